package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"google.golang.org/protobuf/proto"
)

// anyMessageID matches a message id of Twilio or of Meta. An id of Meta contains the phone number.
var anyMessageID = regexp.MustCompile(`wamid\.[A-Za-z0-9+/=_-]{8,}|\b(?:SM|MM)[0-9a-f]{32}\b`)

// searchLeaks searches every history and log for personal data and for failed workflow tasks.
func searchLeaks(ctx context.Context, engine client.Client, s *stack, r *record) error {
	all := indexSecrets(r.sends)
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
			events, err := historyOf(ctx, engine, id, found.GetExecution().GetRunId())
			if err != nil {
				return err
			}
			r.panics = append(r.panics, failedTasks(events, byID[id])...)
			r.addWorkers(s, events, byID[id])
			text, err := proto.Marshal(events)
			if err != nil {
				return fmt.Errorf("encode history: %w", err)
			}
			memo, err := proto.Marshal(found)
			if err != nil {
				return fmt.Errorf("encode execution: %w", err)
			}
			r.search("the history of "+id, string(text)+string(memo), byID[id], all)
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			break
		}
	}
	for _, one := range s.serves {
		text, err := os.ReadFile(s.logPath(one.name))
		if err != nil {
			return fmt.Errorf("read log: %w", err)
		}
		r.search("the log of "+one.name, string(text), nil, all)
		r.panics = append(r.panics, panicsIn(string(text), byID)...)
	}
	return nil
}

// historyOf returns all events of a run.
func historyOf(ctx context.Context, engine client.Client, id, run string) (*history.History, error) {
	events := engine.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var all history.History
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("read history: %w", err)
		}
		all.Events = append(all.Events, e)
	}
	return &all, nil
}

// secrets is an index of the personal data of a run, in every form in which a text may contain it: plain and in base64.
// A search looks for the few beginnings that the forms share, and then looks up the whole form.
type secrets struct {
	known map[string]found
	after map[string][]int // by beginning: the lengths of the forms
}

// found describes one form: the kind of data and its send.
type found struct {
	what string
	send *sendRecord
}

// indexSecrets indexes the phone numbers and texts of all sends.
func indexSecrets(sends []*sendRecord) secrets {
	all := secrets{known: map[string]found{}, after: map[string][]int{}}
	for _, s := range sends {
		all.add("7400", s.Number[len("+44"):], found{"a phone number", s})
		all.add("Your parcel", s.Text, found{"a text", s})
		all.add("Your parcel", s.SMSText, found{"a text", s})
	}
	return all
}

// add indexes all forms of a text. Other texts may share the beginning.
func (all secrets) add(beginning, text string, what found) {
	beginnings := append(base64Forms(beginning), beginning)
	for i, form := range append(base64Forms(text), text) {
		all.known[form] = what
		if lengths := all.after[beginnings[i]]; !slices.Contains(lengths, len(form)) {
			all.after[beginnings[i]] = append(lengths, len(form))
		}
	}
}

// base64Forms returns the characters that any base64 encoding of data with this text contains, one form for each of the
// three alignments. It leaves out the characters that depend on the bytes before and after.
func base64Forms(text string) []string {
	var forms []string
	for before := range 3 {
		padded := append(make([]byte, before), text...)
		coded := base64.StdEncoding.EncodeToString(padded[:len(padded)/3*3])
		skipped := (before*8 + 5) / 6 // characters that hold bits of the bytes before
		forms = append(forms, coded[skipped:])
	}
	return forms
}

// in returns the secrets in a text, each once.
func (all secrets) in(text string) []found {
	var list []found
	for beginning, lengths := range all.after {
		for at := strings.Index(text, beginning); at >= 0; {
			for _, length := range lengths {
				if what, known := all.known[text[at:min(at+length, len(text))]]; known && !slices.Contains(list, what) {
					list = append(list, what)
				}
			}
			next := strings.Index(text[at+1:], beginning)
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return list
}

// search adds the personal data in a text to the leaks. The text belongs to the send whose, or to none if that is nil.
func (r *record) search(where, text string, whose *sendRecord, all secrets) {
	r.searched++
	if id := anyMessageID.FindString(text); id != "" {
		r.leaks = append(r.leaks, leak{where: where, what: fmt.Sprintf("a message id (%.12s...)", id), send: whose})
	}
	for _, one := range all.in(text) {
		r.leaks = append(r.leaks, leak{where: where, what: one.what, send: one.send})
	}
}
