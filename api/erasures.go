package api

import (
	"context"
	"maps"

	"github.com/backstophq/backstop"
)

// Erasures removes people.
type Erasures interface {
	// Create begins to remove a person, or returns the erasure that runs already.
	Create(ctx context.Context, to string, keepOptOut bool) (backstop.Erasure, error)
	// Get returns an erasure, or an Error of code NotFound.
	Get(ctx context.Context, id string) (backstop.Erasure, error)
}

// CreateErasure answers POST /v1/erasures.
func (s *server) CreateErasure(ctx context.Context, r CreateErasureRequestObject) (CreateErasureResponseObject, error) {
	if _, err := backstop.CountryOf(r.Body.To); err != nil {
		return nil, err
	}
	keep := r.Body.KeepOptOut == nil || *r.Body.KeepOptOut
	e, err := s.erasures.Create(ctx, r.Body.To, keep)
	if err != nil {
		return nil, err
	}
	return CreateErasure202JSONResponse{
		Body: showErasure(e), Headers: CreateErasure202ResponseHeaders{Location: "/v1/erasures/" + e.ID},
	}, nil
}

// GetErasure answers GET /v1/erasures/{id}.
func (s *server) GetErasure(ctx context.Context, r GetErasureRequestObject) (GetErasureResponseObject, error) {
	e, err := s.erasures.Get(ctx, canonicalID(r.ID))
	return GetErasure200JSONResponse(showErasure(e)), err
}

func showErasure(e backstop.Erasure) Erasure {
	shown := Erasure{
		ID: e.ID, State: ErasureStateRunning, KeepOptOut: e.KeepOptOut, CreatedAt: e.CreatedAt.UTC(),
		FinishedAt: inUTC(e.FinishedAt), Changed: map[string]int{}, CancelledSends: e.Cancelled, PendingSends: e.Pending,
	}
	if e.FinishedAt != nil {
		shown.State = ErasureStateDone
	}
	maps.Copy(shown.Changed, e.Changed)
	return shown
}
