package api_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/api"
)

func TestOptOuts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var entry api.OptOut
	for range 2 { // it may be repeated
		r.call(t, "PUT", "/v1/opt-outs", `{"to":"+447400123456","category":"marketing","note":"by phone"}`).into(200, &entry)
	}
	require.Equal(t, api.OptOut{
		ID: entry.ID, To: "+447400123456", Category: "marketing", Since: now, Source: "api", Note: new("by phone"), StoredAt: now,
	}, entry)
	r.call(t, "PUT", "/v1/opt-outs", `{"to":"+447400123457"}`).into(200, &entry)
	require.Equal(t, api.OptOutCategoryAll, entry.Category)

	var list api.OptOutList
	r.call(t, "GET", "/v1/opt-outs?limit=1&total=true", "").into(200, &list)
	require.Equal(t, "+447400123457", list.Items[0].To)
	require.Equal(t, 2, list.Total.Count)
	next := *list.NextCursor
	list = api.OptOutList{}
	r.call(t, "GET", "/v1/opt-outs?limit=1&cursor="+next, "").into(200, &list)
	require.Equal(t, "+447400123456", list.Items[0].To)
	require.Nil(t, list.NextCursor)
	for query, want := range map[string]int{
		"to=%2B447400123456": 1, "to_ends=3457": 1, "to_ends=4001": 0, "category=all": 1, "source=api": 2, "source=message": 0,
	} {
		r.call(t, "GET", "/v1/opt-outs?"+query, "").into(200, &list)
		require.Len(t, list.Items, want, query)
	}

	for range 2 {
		got := r.call(t, "DELETE", "/v1/opt-outs?to=%2B447400123456&category=marketing", "")
		require.Equal(t, 204, got.Code)
	}
	var history api.OptOutChangeList
	r.call(t, "GET", "/v1/opt-outs/history?to=%2B447400123456", "").into(200, &history)
	require.Len(t, history.Items, 2)
	require.Equal(t, api.OptOutChangeChangeOptedIn, history.Items[0].Change)
	require.Equal(t, api.OptOutChangeChangeOptedOut, history.Items[1].Change)
	require.Equal(t, new("by phone"), history.Items[1].Note)
	require.NotContains(t, r.logs.String(), "400123456")
}

func TestOptOuts_wrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for body, field := range map[string]string{
		`{"to":"+44 7400 123456"}`: "to", `{"to":"07400123456"}`: "to", `{"to":"+4407400123456"}`: "to",
		`{"to":"+447400123456","note":"a\tb"}`: "note",
	} {
		r.call(t, "PUT", "/v1/opt-outs", body).problem(422, "invalid", field)
	}
	for body, field := range map[string]string{
		`{}`: "to", `{"to":"+447400123456","category":"offers"}`: "category", `{"to":"+447400123456","more":1}`: "more",
		`{"to":"+447400123456","note":"` + strings.Repeat("n", 201) + `"}`: "note",
	} {
		r.call(t, "PUT", "/v1/opt-outs", body).problem(400, "malformed", field)
	}
	for query, field := range map[string]string{
		"": "category", "to=447400123456&category=all": "to", "to=%2B447400123456&category=offers": "category",
	} {
		fields := []string{field}
		if query == "" {
			fields = []string{"to", "category"}
		}
		r.call(t, "DELETE", "/v1/opt-outs?"+query, "").problem(400, "malformed", fields...)
	}
	r.call(t, "GET", "/v1/opt-outs/history", "").problem(400, "malformed", "to")
	r.call(t, "GET", "/v1/opt-outs?cursor=x", "").problem(400, "malformed", "cursor")
	r.call(t, "GET", "/v1/opt-outs", "", "Authorization", "").problem(401, "unauthorized")
	require.Empty(t, r.outs.entries)

	r.outs.away = tryLater()
	r.call(t, "GET", "/v1/opt-outs", "").problem(503, "unavailable")
	r.call(t, "PUT", "/v1/opt-outs", `{"to":"+447400123456"}`).problem(503, "unavailable")
}

func (r *rig) importFile(t *testing.T, file string, headers ...string) answer {
	t.Helper()
	return r.call(t, "POST", "/v1/opt-outs.csv", file, append([]string{"Content-Type", "text/csv"}, headers...)...)
}

func TestOptOuts_Import(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"commas":     "to,category,note\r\n+447400123456,marketing,\"by phone, twice\"\r\n+447400123457,,\r\n",
		"semicolons": "\uFEFFNote;TO;Category;other\nby phone, twice;'+447400123456;Marketing;x\n;+447400123457\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			var done api.OptOutImport
			for _, added := range []int{2, 0} { // a file may be imported again
				r.importFile(t, file).into(200, &done)
				require.Equal(t, api.OptOutImport{Entries: 2, Added: added}, done)
			}
			require.Equal(t, "by phone, twice", r.outs.entries[0].Note)
			require.Equal(t, backstop.OptOutMarketing, r.outs.entries[0].Category)
			require.Equal(t, backstop.OptOutAll, r.outs.entries[1].Category)
			require.Equal(t, backstop.ByImport, r.outs.entries[1].Source)
		})
	}
}

func TestOptOuts_Import_wrong(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	got := r.importFile(t, "to,category,since\n+447400123456,all,\n07400,offers,2031\n\n+447400123457,,2032-01-01T00:00:00Z\n\"a\nb\"\n+447400123458,all,\n").
		problem(422, "invalid", "lines.3.to", "lines.3.category", "lines.3.since", "lines.5.since", "lines.6.to")
	require.Equal(t, "3 lines are wrong: nothing is imported", got.Detail)
	got = r.importFile(t, "to,note\n+447400123456,caf\xe9\n").problem(422, "invalid", "lines.2.note")
	require.Equal(t, "1 line is wrong: nothing is imported", got.Detail)
	require.Equal(t, "must be valid UTF-8", got.Errors[0].Reason)
	for file, field := range map[string]string{
		"category\nall\n": "lines.1.to", "to,to\n+447400123456,+447400123456\n": "lines.1.to", "\n": "lines.1.to",
		"to\n+447400123456\n\"+447400123457\n": "lines.3", "to\n+4474\"00\n": "lines.2",
		"to,note\n+447400123456,\xff\n":                            "lines.2.note",
		"to\n" + strings.Repeat("+447400123456\n", 100_001):        "lines",
		"to\n+447400123456\n" + strings.Repeat("+4474001\n", 3000): "",
	} {
		answer := r.importFile(t, file)
		if field == "" { // the list of lines ends somewhere
			require.Equal(t, 422, answer.Code)
			var p problem
			require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &p))
			require.Len(t, p.Errors, 100)
			require.Contains(t, p.Detail, "3000 lines")
			continue
		}
		answer.problem(422, "invalid", field)
	}
	r.importFile(t, "to\n", "Content-Type", "application/json").problem(415, "unsupported_media_type")
	r.importFile(t, "to\n", "Content-Type", "text/csv; charset=latin1").problem(415, "unsupported_media_type")
	r.importFile(t, "to\n", "Authorization", "").problem(401, "unauthorized")
	r.importFile(t, "to\n"+strings.Repeat("\n", 9<<20)).problem(413, "too_large")
	require.Empty(t, r.outs.entries)
	r.outs.away = tryLater()
	r.importFile(t, "to\n+447400123456\n").problem(503, "unavailable")
}

// FuzzOptOuts_Import: no file makes the server fail, and a file with a wrong line stores nothing.
func FuzzOptOuts_Import(f *testing.F) {
	for _, seed := range []string{
		"", "to", "to\n+447400123456", "to;category\n+447400123456;all", "\uFEFFto\r\n'+447400123456\r\n", "to,\"note\"\n+447400123456,\"a\n\"\"b\"",
		"to,since\n+447400123456,2031-01-01T00:00:00Z", "to\n\x00", "to,to", "\"", ";;;\n", "category,to\n\xff,+1",
	} {
		f.Add(seed)
	}
	var r *rig
	f.Fuzz(func(t *testing.T, file string) {
		if file == "" {
			return
		}
		if r == nil {
			r = newRig(t)
		}
		r.outs.entries, r.outs.history = nil, nil
		got := r.importFile(t, file)
		switch got.Code {
		case 200:
			var done api.OptOutImport
			require.NoError(t, json.Unmarshal(got.Body.Bytes(), &done))
			require.LessOrEqual(t, len(r.outs.entries), done.Entries)
			for _, entry := range r.outs.entries {
				require.NoError(t, entry.Validate(now))
			}
		case 422:
			require.Empty(t, r.outs.entries)
		default:
			t.Fatalf("%d: %s", got.Code, got.Body)
		}
	})
}

// What was exported can be imported again.
func TestOptOuts_Export(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var file strings.Builder
	file.WriteString("to,category,since,note\n")
	for i := range 1500 {
		fmt.Fprintf(&file, "+44740012%04d,utility,2031-05-04T10:00:00Z,=1+%d\n", i, i)
	}
	require.Equal(t, 200, r.importFile(t, file.String()).Code)
	status, header, body, err := r.exportFile(t, "/v1/opt-outs.csv?category=utility")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `attachment; filename="opt-outs-20310504-120000.csv"`, header.Get("Content-Disposition"))
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1501)
	require.Equal(t, []string{
		"+447400121499", "utility", "2031-05-04T10:00:00Z", "import", "", "", "", "", "", "'=1+1499", "2031-05-04T12:00:00Z",
	}, rows[1])

	again := newRig(t)
	require.Equal(t, 200, again.importFile(t, body).Code)
	require.Len(t, again.outs.entries, 1500)
	require.Equal(t, "=1+1499", again.outs.entries[0].Note)
	require.True(t, again.outs.entries[0].Since.Equal(r.outs.entries[0].Since))
}

// A send to a person who has opted out is refused, or skipped if its caller wants that, and its preview says so.
func TestSends_Create_optedOut(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, policy := r.seed(t)
	require.Equal(t, 200, r.call(t, "PUT", "/v1/opt-outs", `{"to":"+447400123456","category":"marketing"}`).Code)
	with := func(fields string) string { return strings.Replace(sendBody(policy.ID), `{"to"`, "{"+fields+`"to"`, 1) }
	for _, path := range []string{"/v1/sends", "/v1/sends/preview"} {
		for _, fields := range []string{"", `"category":"marketing",`, `"if_opted_out":"refuse",`} {
			got := r.call(t, "POST", path, with(fields))
			require.Contains(t, got.Body.String(), `"code":"opted_out"`)
			got.problem(422, "invalid", "to")
		}
		r.call(t, "POST", path, with(`"if_opted_out":"maybe",`)).problem(400, "malformed", "if_opted_out")
	}
	require.Empty(t, r.sends)
	var preview api.SendPreview
	r.call(t, "POST", "/v1/sends/preview", with(`"if_opted_out":"skip",`)).into(200, &preview)
	require.Equal(t, api.WarningCodeOptedOut, (*preview.Warnings)[0].Code)
	var accepted api.SendAccepted
	for range 2 {
		r.call(t, "POST", "/v1/sends", with(`"if_opted_out":"skip",`), "Idempotency-Key", "k").into(202, &accepted)
		require.Equal(t, new(api.SendAcceptedSkippedOptedOut), accepted.Skipped)
		require.Equal(t, api.OutcomeFailed, accepted.Outcome)
	}
	require.Len(t, r.sends, 1)
	for _, category := range []string{"utility", "authentication"} {
		var other api.SendAccepted
		r.call(t, "POST", "/v1/sends", with(`"category":"`+category+`",`)).into(202, &other)
		require.Nil(t, other.Skipped)
		require.Equal(t, api.OutcomePending, other.Outcome)
	}
	require.NotContains(t, r.logs.String(), "400123456")
}
