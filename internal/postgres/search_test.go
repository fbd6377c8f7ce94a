package postgres_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func TestDB_FindSends(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	ids := sendsOfAllKinds(t, db)
	id := ids["by sms"]
	german := []string{ids["by the second rule"], ids["by sms in Germany"]}
	for text, want := range map[string]struct {
		by  backstop.FoundBy
		ids []string
	}{
		id:                              {backstop.FoundByID, []string{id}},
		" " + id + "\n":                 {backstop.FoundByID, []string{id}},
		"order by sms":                  {backstop.FoundByKey, []string{id}},
		"order of sends":                {backstop.FoundByCorrelation, []string{ids["open"], id}},
		messageID(id, 3):                {backstop.FoundByMessage, []string{id}},
		messageID(ids["open"], 1):       {backstop.FoundNothing, nil}, // it was not called
		"+4915112345678":                {backstop.FoundByNumber, german},
		"+49 151 1234-5678":             {backstop.FoundByNumber, german},
		"0151 12345678":                 {backstop.FoundByNumberEnd, german},
		"12345678":                      {backstop.FoundByNumberEnd, append([]string{ids["open"]}, german...)},
		"order":                         {backstop.FoundNothing, nil},
		"--------":                      {backstop.FoundNothing, nil},
		id[:4] + "----":                 {backstop.FoundNothing, nil},
		strings.ToUpper(id):             {backstop.FoundByID, []string{id}},
		strings.ReplaceAll(id, "-", ""): {backstop.FoundByID, []string{id}},
		id + "0":                        {backstop.FoundNothing, nil},
		strings.Repeat("9", 255):        {backstop.FoundNothing, nil},
		"\xff12345678":                  {backstop.FoundNothing, nil},
		"+0000":                         {backstop.FoundNothing, nil},
		"0000":                          {backstop.FoundNothing, nil},
		"%":                             {backstop.FoundNothing, nil},
		"\x00'; DROP TABLE sends;":      {backstop.FoundNothing, nil},
	} {
		found, err := db.FindSends(t.Context(), text, 10)
		if postgrestest.SealsNumbers() && len(backstop.ReadNumber(text).ToEnds) > 0 {
			requireCode(t, backstop.Invalid, err)
			continue
		}
		require.NoError(t, err, "%q", text)
		require.Equal(t, want.by, found.By, "%q", text)
		var got []string
		for _, s := range found.Sends {
			got = append(got, s.ID)
		}
		require.Equal(t, want.ids, got, "%q", text)
		require.False(t, found.More)
	}
	found, err := db.FindSends(t.Context(), "order of sends", 1)
	require.NoError(t, err)
	require.True(t, found.More)
	require.Equal(t, backstop.SendFilter{CorrelationID: "order of sends"}, found.Filter)
	found, err = db.FindSends(t.Context(), id[:8], 100) // sends of one moment share it
	require.NoError(t, err)
	require.Equal(t, backstop.FoundByID, found.By)
	found, err = db.FindSends(t.Context(), "+447400123456", 1)
	require.NoError(t, err)
	require.True(t, found.More)
	require.Equal(t, backstop.SendFilter{To: to}, found.Filter)
}
