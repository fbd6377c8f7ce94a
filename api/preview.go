package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// PreviewSend answers POST /v1/sends/preview: what CreateSend would accept, as if it were accepted now.
func (s *server) PreviewSend(ctx context.Context, r PreviewSendRequestObject) (PreviewSendResponseObject, error) {
	send, err := s.resolve(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	send.AcceptedAt = s.now()
	return PreviewSend200JSONResponse{
		Country: optional(send.Country), Plan: showPlan(send),
		Sms: showSMSLength(backstop.MeasureSMS(send.SMSText)), Warnings: listed(warnings(send)),
	}, nil
}

func showSMSLength(l backstop.SMSLength) SMSLength {
	return SMSLength{Encoding: SMSLengthEncoding(l.Encoding), Length: l.Length, Segments: l.Segments}
}
