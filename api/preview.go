package api

import (
	"context"
	"errors"
)

// PreviewSend answers POST /v1/sends/preview.
func (s *server) PreviewSend(context.Context, PreviewSendRequestObject) (PreviewSendResponseObject, error) {
	return nil, errors.ErrUnsupported
}
