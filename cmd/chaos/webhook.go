package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

// The names of the providers.
const (
	meta    = "meta"
	twilio  = "twilio"
	infobip = "infobip"
)

// readWebhook returns the receipts in a webhook of any provider.
func readWebhook(target *url.URL, body []byte) []report {
	switch {
	case strings.HasPrefix(target.Path, "/webhooks/meta"):
		return readMeta(body)
	case strings.HasPrefix(target.Path, "/webhooks/twilio"):
		return readTwilio(target, body)
	case strings.HasPrefix(target.Path, "/webhooks/infobip"):
		return readInfobip(body)
	default:
		return nil
	}
}

func readMeta(body []byte) []report {
	var webhook struct {
		Entry []struct {
			Changes []struct {
				Value struct {
					Statuses []struct {
						ID          string `json:"id"`
						Status      string `json:"status"`
						RecipientID string `json:"recipient_id"`
						Opaque      string `json:"biz_opaque_callback_data"`
						Errors      []struct {
							Code int `json:"code"`
						} `json:"errors"`
					} `json:"statuses"`
				} `json:"value"`
			} `json:"changes"`
		} `json:"entry"`
	}
	if json.Unmarshal(body, &webhook) != nil {
		return nil
	}
	var reports []report
	for _, entry := range webhook.Entry {
		for _, change := range entry.Changes {
			for _, s := range change.Value.Statuses {
				one := report{Provider: meta, MessageID: s.ID, Ref: s.Opaque, Status: s.Status, To: "+" + s.RecipientID}
				if len(s.Errors) > 0 {
					one.Code = strconv.Itoa(s.Errors[0].Code)
				}
				reports = append(reports, one)
			}
		}
	}
	return reports
}

func readTwilio(target *url.URL, body []byte) []report {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	status := form.Get("MessageStatus")
	if status == "undelivered" {
		status = failed
	}
	return []report{{
		Provider: twilio, MessageID: form.Get("MessageSid"), Ref: target.Query().Get("ref"), Status: status,
		Code: form.Get("ErrorCode"), To: form.Get("To"),
	}}
}

func readInfobip(body []byte) []report {
	var webhook struct {
		Results []struct {
			MessageID string `json:"messageId"`
			Ref       string `json:"callbackData"`
			To        string `json:"to"`
			Status    struct {
				Group string `json:"groupName"`
			} `json:"status"`
			Error struct {
				Name string `json:"name"`
			} `json:"error"`
		} `json:"results"`
	}
	if json.Unmarshal(body, &webhook) != nil {
		return nil
	}
	statuses := map[string]string{
		"PENDING": sent, "DELIVERED": delivered, "UNDELIVERABLE": failed, "EXPIRED": failed, "REJECTED": failed,
	}
	var reports []report
	for _, one := range webhook.Results {
		found := report{
			Provider: infobip, MessageID: one.MessageID, Ref: one.Ref, Status: statuses[one.Status.Group], To: "+" + one.To,
		}
		if found.Status == failed {
			found.Code = one.Error.Name
		}
		reports = append(reports, found)
	}
	return reports
}
