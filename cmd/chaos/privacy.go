package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"os"
	"regexp"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
)

// anyMessageID is what an id of Meta's (which holds the number) or of Twilio's looks like.
var anyMessageID = regexp.MustCompile(`wamid\.[A-Za-z0-9+/=_-]{8,}|\b(?:SM|MM)[0-9a-f]{32}\b`)

// searchLeaks looks for people's data in every history and log.
func searchLeaks(ctx context.Context, s *stack, r *record) error {
	engine, err := client.DialContext(ctx, client.Options{HostPort: s.temporal.url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("reach temporal: %w", err)
	}
	defer engine.Close()
	all := everything(r.sends)
	byID := map[string]*sendRecord{}
	for _, one := range r.sends {
		byID["send/"+one.ID] = one
	}
	var token []byte
	for {
		page, err := engine.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{NextPageToken: token})
		if err != nil {
			return fmt.Errorf("list workflows: %w", err)
		}
		for _, found := range page.GetExecutions() {
			id := found.GetExecution().GetWorkflowId()
			text, err := historyOf(ctx, engine, id, found.GetExecution().GetRunId())
			if err != nil {
				return err
			}
			memo, err := proto.Marshal(found)
			if err != nil {
				return fmt.Errorf("encode execution: %w", err)
			}
			r.search("the history of "+id, append(text, memo...), byID[id], all)
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			break
		}
	}
	for _, one := range s.serves {
		text, err := os.ReadFile(s.log(one.name))
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		r.search("the log of "+one.name, text, nil, all)
	}
	return nil
}

// historyOf returns the bytes of all events of a run, in which what the program has written stands as it is.
func historyOf(ctx context.Context, engine client.Client, id, run string) ([]byte, error) {
	events := engine.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var all history.History
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		all.Events = append(all.Events, e)
	}
	text, err := proto.Marshal(&all)
	if err != nil {
		return nil, fmt.Errorf("encode history: %w", err)
	}
	return text, nil
}

// secret is something of a person, and how it may be written.
type secret struct {
	what  string
	forms [][]byte
	send  *sendRecord
}

// secretsOf are the number, in digits and in base64, and the texts of a send.
func secretsOf(s *sendRecord) []secret {
	national := s.Number[3:] // without +44
	number := secret{what: "a phone number", send: s, forms: append(base64Forms(national), []byte(national))}
	return []secret{
		number,
		{what: "a text", send: s, forms: append(base64Forms(s.Text), []byte(s.Text))},
		{what: "a text", send: s, forms: append(base64Forms(s.SMSText), []byte(s.SMSText))},
	}
}

// base64Forms are the texts that every base64 of something with this in it has, for each of the three ways in which
// its bytes can lie. What depends on the neighbours is left out.
func base64Forms(text string) [][]byte {
	var forms [][]byte
	for before := range 3 {
		padded := append(make([]byte, before), text...)
		coded := base64.StdEncoding.EncodeToString(padded[:len(padded)/3*3])
		skipped := (before*8 + 5) / 6 // characters that hold bits of what stands before
		forms = append(forms, []byte(coded[skipped:]))
	}
	return forms
}

// needles are the secrets by a part of them that all of a kind have, so that most texts are searched once.
type needles struct {
	secrets []secret
	common  [][]byte
}

func everything(sends []*sendRecord) needles {
	var n needles
	for _, s := range sends {
		n.secrets = append(n.secrets, secretsOf(s)...)
	}
	n.common = append(base64Forms("7400"), []byte("7400"), []byte("Your parcel"))
	n.common = append(n.common, base64Forms("Your parcel")...)
	return n
}

// search adds what it finds in a text to the leaks: of a history only of its own send, or of all if it is not known whose.
func (r *record) search(where string, text []byte, whose *sendRecord, all needles) {
	r.searched++
	for _, id := range anyMessageID.FindAll(text, 3) {
		r.leaks = append(r.leaks, leak{where: where, what: fmt.Sprintf("a message id (%.12s...)", id), send: whose})
	}
	suspect := false
	for _, part := range all.common {
		suspect = suspect || bytes.Contains(text, part)
	}
	if !suspect {
		return
	}
	secrets := all.secrets
	if whose != nil {
		secrets = secretsOf(whose)
	}
	for _, one := range secrets {
		for _, form := range one.forms {
			if bytes.Contains(text, form) {
				r.leaks = append(r.leaks, leak{where: where, what: one.what, send: one.send})
				break
			}
		}
	}
}
