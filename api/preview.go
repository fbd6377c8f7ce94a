package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// PreviewSend answers POST /v1/sends/preview. It resolves the send as CreateSend does, with the present time as its acceptance,
// and stores nothing.
func (s *server) PreviewSend(ctx context.Context, r PreviewSendRequestObject) (PreviewSendResponseObject, error) {
	if err := checkKeyPolicy(ctx, *r.Body); err != nil {
		return nil, err
	}
	send, err := s.resolveInput(ctx, *r.Body)
	if err != nil {
		return nil, err
	}
	warnings, err := s.previewOptOut(ctx, send)
	if err != nil {
		return nil, err
	}
	send = send.AcceptAt(s.now())
	return PreviewSend200JSONResponse{
		Country: omitZero(send.Country), SendAt: inUTC(send.SendAt), Plan: showPlan(send),
		Sms: showSMSLength(backstop.MeasureSMS(send.SMSText)), Content: showContent(send),
		Warnings: omitEmpty(append(warnings, warningsOf(send)...)),
	}, nil
}

func showSMSLength(l backstop.SMSLength) SMSLength {
	return SMSLength{Encoding: SMSLengthEncoding(l.Encoding), Length: l.Length, Segments: l.Segments}
}
