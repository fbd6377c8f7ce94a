package postgres_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/postgres"
	"github.com/backstophq/backstop/internal/postgres/postgrestest"
)

func message(t *testing.T, name string) backstop.MessageInput {
	t.Helper()
	in := backstop.MessageInput{Name: name, MessageContent: backstop.MessageContent{
		Template: &backstop.ContentTemplate{Name: "order", Language: "en"}, SMSText: "{{name}} <é> 😀", MaxSegments: 2, Transliterates: true,
		Category: backstop.Utility,
	}}
	simple := `{"body":{"b":"{{name}}"},"header":{"text":"x"},"buttons":[{"index":0,"payload":"<p>"}]}`
	require.NoError(t, json.Unmarshal([]byte(simple), &in.Template.SimpleTemplate))
	return in
}

func createMessage(t *testing.T, db *postgres.DB, name string) backstop.Message {
	t.Helper()
	created, err := db.CreateMessage(t.Context(), message(t, name))
	require.NoError(t, err)
	return created
}

func TestDB_messages(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	created := createMessage(t, db, "Order shipped")
	require.Equal(t, 1, created.Version)
	require.Equal(t, message(t, "Order shipped"), created.MessageInput)
	for _, read := range []func() (backstop.Message, error){
		func() (backstop.Message, error) { return db.Message(t.Context(), created.ID) },
		func() (backstop.Message, error) { return db.MessageNamed(t.Context(), "oRDER shipped") },
	} {
		found, err := read()
		require.NoError(t, err)
		require.Equal(t, created, found)
	}

	// Another content is another version.
	change := backstop.MessageInput{Name: "Order sent", MessageContent: backstop.MessageContent{Text: "hello", SMSText: "hi"}}
	_, err := db.ReplaceMessage(t.Context(), created.ID, change, 2)
	requireCode(t, backstop.Stale, err)
	changed, err := db.ReplaceMessage(t.Context(), created.ID, change, 1)
	require.NoError(t, err)
	require.Equal(t, 2, changed.Version)
	require.Equal(t, created.CreatedAt, changed.CreatedAt)
	found, err := db.Message(t.Context(), created.ID)
	require.NoError(t, err)
	require.Equal(t, changed, found)
	_, err = db.MessageNamed(t.Context(), "Order shipped")
	requireCode(t, backstop.NotFound, err)
	third, err := db.ReplaceMessage(t.Context(), created.ID, message(t, "Order sent"), backstop.AnyVersion)
	require.NoError(t, err)
	require.Equal(t, 3, third.Version)

	versions, more, err := db.MessageVersions(t.Context(), created.ID, 0, 2)
	require.NoError(t, err)
	require.True(t, more)
	require.Equal(t, []backstop.MessageVersion{
		{MessageInput: third.MessageInput, Version: 3, CreatedAt: third.UpdatedAt},
		{MessageInput: change, Version: 2, CreatedAt: changed.UpdatedAt},
	}, versions)
	versions, more, err = db.MessageVersions(t.Context(), created.ID, 2, 2)
	require.NoError(t, err)
	require.False(t, more)
	require.Equal(t, []backstop.MessageVersion{{MessageInput: created.MessageInput, Version: 1, CreatedAt: created.CreatedAt}}, versions)
	versions, _, err = db.MessageVersions(t.Context(), created.ID, 1, 2)
	require.NoError(t, err)
	require.Empty(t, versions)

	requireCode(t, backstop.Stale, db.DeleteMessage(t.Context(), created.ID, 2))
	require.NoError(t, db.DeleteMessage(t.Context(), created.ID, 3))
	for _, err := range []error{
		db.DeleteMessage(t.Context(), created.ID, backstop.AnyVersion), second(db.Message(t.Context(), created.ID)),
		second(db.ReplaceMessage(t.Context(), created.ID, change, 0)), second(db.Message(t.Context(), "x")),
		db.DeleteMessage(t.Context(), "x", 0), second(db.ReplaceMessage(t.Context(), "x", change, 0)),
	} {
		requireCode(t, backstop.NotFound, err)
	}
	for _, id := range []string{created.ID, "x"} {
		_, _, err = db.MessageVersions(t.Context(), id, 0, 2)
		requireCode(t, backstop.NotFound, err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestDB_messages_name(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	createMessage(t, db, "One")
	other := createMessage(t, db, "Two")
	_, err := db.CreateMessage(t.Context(), message(t, "oNE"))
	require.Equal(t, "name", coded(t, backstop.Conflict, err).Fields[0].Name)
	_, err = db.ReplaceMessage(t.Context(), other.ID, message(t, "ONE"), backstop.AnyVersion)
	requireCode(t, backstop.Conflict, err)
	found, err := db.Message(t.Context(), other.ID)
	require.NoError(t, err)
	require.Equal(t, other, found, "nothing is half-written")
	versions, _, err := db.MessageVersions(t.Context(), other.ID, 0, 10)
	require.NoError(t, err)
	require.Len(t, versions, 1)
}

// Of changes of one version at the same time, one wins. Each change has its version.
func TestDB_ReplaceMessage_concurrent(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	created := createMessage(t, db, "One")
	const n = 8
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = second(db.ReplaceMessage(t.Context(), created.ID, message(t, "One"), 1)) })
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		requireCode(t, backstop.Stale, err)
	}
	require.Equal(t, 1, won)
	versions, _, err := db.MessageVersions(t.Context(), created.ID, 0, 10)
	require.NoError(t, err)
	require.Len(t, versions, 2)
}

func TestDB_ListMessages(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var all []string
	for i := range 5 {
		all = append(all, createMessage(t, db, fmt.Sprintf("Order %d", i)).ID)
	}
	createMessage(t, db, "100%")
	filter := backstop.MessageFilter{Search: "ORDER"}
	var listed []string
	page := backstop.Page{Sort: backstop.ByName, Limit: 2}
	for more := true; more; {
		var messages []backstop.Message
		var err error
		messages, more, err = db.ListMessages(t.Context(), filter, page)
		require.NoError(t, err)
		for _, m := range messages {
			listed = append(listed, m.ID)
			page.After, page.Value = m.ID, m.Name
			require.Equal(t, message(t, m.Name), m.MessageInput)
		}
	}
	require.Equal(t, all, listed)
	total, err := db.CountMessages(t.Context(), filter)
	require.NoError(t, err)
	require.Equal(t, backstop.Total{Count: 5, IsExact: true}, total)
	found, _, err := db.ListMessages(t.Context(), backstop.MessageFilter{Search: "%"}, backstop.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, found, 1)
}
