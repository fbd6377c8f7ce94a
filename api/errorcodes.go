package api

import (
	"context"

	"github.com/backstophq/backstop"
)

// ListErrorCodes answers GET /v1/error-codes.
func (s *server) ListErrorCodes(context.Context, ListErrorCodesRequestObject) (ListErrorCodesResponseObject, error) {
	return ListErrorCodes200JSONResponse{Items: showAll(s.errorCodes, showErrorCode)}, nil
}

func showErrorCode(c backstop.ErrorCode) ErrorCode {
	shown := ErrorCode{
		Provider: c.Provider, Code: c.Code, Class: omitZero(FailureClass(c.Class)), Explained: map[string]Explanation{},
	}
	for language, e := range c.Explained {
		shown.Explained[language] = Explanation{Cause: e.Cause, Action: e.Action}
	}
	return shown
}
