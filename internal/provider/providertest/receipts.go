package providertest

import (
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func runReceipts(t *testing.T, d Driver) {
	t.Helper()
	t.Run("statuses", func(t *testing.T) { t.Parallel(); testStatuses(t, d) })
	t.Run("failed", func(t *testing.T) { t.Parallel(); testFailed(t, d) })
	t.Run("refs", func(t *testing.T) { t.Parallel(); testRefs(t, d) })
	t.Run("twice", func(t *testing.T) { t.Parallel(); testTwice(t, d) })
	t.Run("bounds", func(t *testing.T) { t.Parallel(); testBounds(t, d) })
	t.Run("not a webhook", func(t *testing.T) { t.Parallel(); testNotHook(t, d) })
	if d.HasTimes {
		t.Run("times", func(t *testing.T) { t.Parallel(); testTimes(t, d) })
	}
	if d.Batches {
		t.Run("batch", func(t *testing.T) { t.Parallel(); testBatch(t, d) })
	}
}

// newReport returns a valid report with this status.
func (d Driver) newReport(status string) Report {
	r := Report{ID: "id-1", Ref: Ref.String(), Status: status}
	if d.HasTimes {
		r.At = strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)
	}
	return r
}

// receive signs a webhook and passes it to a new client.
func (d Driver) receive(t *testing.T, h Hook) ([]backstop.Receipt, error) {
	t.Helper()
	client, _ := d.open(t, "http://127.0.0.1:1", longTimeout)
	r := h.request()
	d.Sign(r, h.Body)
	return client.Receipts(r, h.Body)
}

// receiveOne receives a webhook that must have exactly one receipt.
func (d Driver) receiveOne(t *testing.T, r Report) backstop.Receipt {
	t.Helper()
	receipts, err := d.receive(t, d.Hook(r))
	require.NoError(t, err)
	require.Len(t, receipts, 1)
	return receipts[0]
}

func testStatuses(t *testing.T, d Driver) {
	t.Helper()
	words := map[string]backstop.Status{"teleported": "", "DELIVERED": ""}
	maps.Copy(words, d.Statuses)
	for word, status := range words {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			if status == "" {
				receipts, err := d.receive(t, d.Hook(d.newReport(word)))
				require.NoError(t, err)
				require.Empty(t, receipts)
				return
			}
			receipt := d.receiveOne(t, d.newReport(word))
			require.WithinDuration(t, time.Now(), receipt.At, 5*time.Minute)
			require.Equal(t, time.UTC, receipt.At.Location())
			require.Equal(t, status == backstop.Failed, receipt.Failure != nil)
			receipt.At, receipt.Failure = time.Time{}, nil
			require.Equal(t, backstop.Receipt{
				Provider: d.Of.Name, Account: AccountName, Channel: d.Channel, MessageID: d.messageID("id-1"), Ref: Ref, Status: status,
			}, receipt)
		})
	}
}

func testFailed(t *testing.T, d Driver) {
	t.Helper()
	codes := append([]Code{{Code: UnknownCode, Kind: backstop.Rejected}}, d.Codes...)
	for _, row := range codes {
		t.Run(row.Code, func(t *testing.T) {
			t.Parallel()
			r := d.newReport(d.Failed)
			r.Code, r.Text = row.Code, d.leakyText()
			receipt := d.receiveOne(t, r)
			require.Equal(t, backstop.Failed, receipt.Status)
			require.NotNil(t, receipt.Failure)
			d.checkNoLeak(t, receipt.Failure)
			require.Equal(t, backstop.Rejected, receipt.Failure.Kind, "a failure that a provider reports is final")
			require.Equal(t, d.CodePrefix+row.Code, receipt.Failure.Code)
			require.Equal(t, row.Class, receipt.Failure.Class)
		})
	}
	t.Run("without a code", func(t *testing.T) {
		t.Parallel()
		receipt := d.receiveOne(t, d.newReport(d.Failed))
		require.NotNil(t, receipt.Failure)
		d.checkNoLeak(t, receipt.Failure)
		require.Empty(t, receipt.Failure.Class, "without a code nothing says whose fault it is")
		require.Empty(t, receipt.Failure.Code)
	})
}

// testRefs: the driver ignores references of other systems that send through the same account.
func testRefs(t *testing.T, d Driver) {
	t.Helper()
	for _, ref := range []string{
		"", "campaign-7", "campaign.7", Ref.Send, Ref.Send + ".", Ref.Send + ".0", Ref.Send + ".-1", Ref.Send + ".+1",
		Ref.Send + ".99999", strings.ToUpper(Ref.String()), Ref.String() + " ", "x" + Ref.String(), strings.Repeat("7", 600),
		"\x00.1", "'; drop table sends; --.1",
	} {
		t.Run(fmt.Sprintf("%.40q", ref), func(t *testing.T) {
			t.Parallel()
			r := d.newReport(d.Failed)
			r.Ref = ref
			if d.OwnID {
				receipts, err := d.receive(t, d.Hook(r))
				require.Empty(t, receipts, "the message is another system's")
				require.Equal(t, ref == "", backstop.CodeOf(err) == backstop.Invalid, "%v", err)
				return
			}
			receipt := d.receiveOne(t, r)
			require.Zero(t, receipt.Ref)
			require.Equal(t, "id-1", receipt.MessageID)
		})
	}
}

// testTwice: providers may send a report more than once. The same report must result in the same receipt.
func testTwice(t *testing.T, d Driver) {
	t.Helper()
	hook := d.Hook(d.newReport(d.Failed))
	first, err := d.receive(t, hook)
	require.NoError(t, err)
	second, err := d.receive(t, hook)
	require.NoError(t, err)
	if !d.HasTimes { // a receipt then has the time of its delivery
		for i := range second {
			second[i].At = first[i].At
		}
	}
	require.Equal(t, first, second)
}

func testBounds(t *testing.T, d Driver) {
	t.Helper()
	changes := map[string]func(*Report){"no status": func(r *Report) { r.Status = "" }}
	if !d.OwnID {
		longest := d.newReport(d.Failed)
		longest.ID = strings.Repeat("i", 256)
		require.Equal(t, longest.ID, d.receiveOne(t, longest).MessageID)
		changes["no id"] = func(r *Report) { r.ID = "" }
		changes["id too long"] = func(r *Report) { r.ID = strings.Repeat("i", 257) }
		changes["id not to keep"] = func(r *Report) { r.ID = "id\x00" }
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := d.newReport(d.Failed)
			change(&r)
			receipts, err := d.receive(t, d.Hook(r))
			require.Equal(t, backstop.Invalid, backstop.CodeOf(err), "%v", err)
			require.Empty(t, receipts)
		})
	}
	t.Run("long texts", func(t *testing.T) {
		t.Parallel()
		r := d.newReport(d.Failed)
		r.Code, r.Text = UnknownCode, strings.Repeat("\u00e9 7", 10_000)
		d.checkNoLeak(t, d.receiveOne(t, r).Failure)
	})
	t.Run("long status", func(t *testing.T) {
		t.Parallel()
		receipts, err := d.receive(t, d.Hook(d.newReport(strings.Repeat("s", 10_000))))
		require.NoError(t, err)
		require.Empty(t, receipts)
	})
}

// testTimes: an impossible time is replaced by the time at which the report arrived.
func testTimes(t *testing.T, d Driver) {
	t.Helper()
	r := d.newReport(d.Failed)
	r.At = "1700000000"
	require.Equal(t, time.Unix(1_700_000_000, 0).UTC(), d.receiveOne(t, r).At)
	for _, at := range []string{"", "soon", "-1", "0", "1e9", "1700000000000", "99999999999999999999", "253402300800"} {
		r.At = at
		require.WithinDuration(t, time.Now(), d.receiveOne(t, r).At, time.Minute, "%q", at)
	}
}

// testNotHook: a body that is signed but is no webhook of the provider is Invalid.
func testNotHook(t *testing.T, d Driver) {
	t.Helper()
	hook := d.Hook(d.newReport(d.Failed))
	if hook.Method == http.MethodGet { // the report is in the query
		hook.Target, _, _ = strings.Cut(hook.Target, "?")
	}
	for _, body := range []string{
		"", " ", "null", "[]", "{}", "7", `"text"`, "<xml/>", "\x00", "\xff\xfe", "{", strings.Repeat("[", 20_000),
	} {
		t.Run(fmt.Sprintf("%.10q", body), func(t *testing.T) {
			t.Parallel()
			receipts, err := d.receive(t, Hook{Method: hook.Method, Target: hook.Target, Body: []byte(body)})
			require.Equal(t, backstop.Invalid, backstop.CodeOf(err), "%v", err)
			require.Empty(t, receipts)
		})
	}
}

func testBatch(t *testing.T, d Driver) {
	t.Helper()
	reports := make([]Report, 50)
	for i := range reports {
		reports[i] = d.newReport(d.Failed)
		reports[i].ID = fmt.Sprintf("id-%d", i)
	}
	receipts, err := d.receive(t, d.Hook(reports...))
	require.NoError(t, err)
	require.Len(t, receipts, len(reports))
	for i, receipt := range receipts {
		require.Equal(t, reports[i].ID, receipt.MessageID, "in the order of the webhook")
	}

	reports[7].ID, reports[9].Status, reports[11].Status = "", "", "teleported"
	receipts, err = d.receive(t, d.Hook(reports...))
	require.Equal(t, backstop.Invalid, backstop.CodeOf(err))
	require.Len(t, receipts, len(reports)-3, "the readable reports are returned")
}
