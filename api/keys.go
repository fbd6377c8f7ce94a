package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/keys"
)

// Keys has the API keys. The errors of its methods have the codes that Rules has.
type Keys interface {
	// Find returns the key of a secret, or false if there is none, or it has ended.
	Find(ctx context.Context, secret backstop.KeySecret) (backstop.APIKey, bool)
	// FindByID returns the key of an id, or false if there is none, or it has ended.
	FindByID(id string) (backstop.APIKey, bool)
	// Take takes one request of the rate limit of a key.
	Take(key backstop.APIKey) keys.Quota

	List(ctx context.Context) ([]backstop.APIKey, error)
	Get(ctx context.Context, id string) (backstop.APIKey, error)
	// Create stores a valid key, and returns it with its secret.
	Create(ctx context.Context, in backstop.APIKeyInput, kind backstop.KeyKind) (backstop.APIKey, backstop.KeySecret, error)
	Replace(ctx context.Context, id string, in backstop.APIKeyInput, version int) (backstop.APIKey, error)
	// Rotate gives a key a new secret, and returns it. The present one stays valid for a while.
	Rotate(ctx context.Context, id string, overlap time.Duration) (backstop.APIKey, backstop.KeySecret, error)
	Revoke(ctx context.Context, id string) error
}

// ListKeys answers GET /v1/keys.
func (s *server) ListKeys(ctx context.Context, _ ListKeysRequestObject) (ListKeysResponseObject, error) {
	all, err := s.keys.List(ctx)
	if err != nil {
		return nil, err
	}
	return ListKeys200JSONResponse{Items: showAll(all, showKey)}, nil
}

// CreateKey answers POST /v1/keys.
func (s *server) CreateKey(ctx context.Context, r CreateKeyRequestObject) (CreateKeyResponseObject, error) {
	in, kind := keyFrom(*r.Body), backstop.KeyLive
	if r.Body.Kind != nil {
		kind = backstop.KeyKind(*r.Body.Kind)
	}
	if err := s.validateKey(ctx, in, kind, backstop.APIKeyInput{}); err != nil {
		return nil, err
	}
	key, secret, err := s.keys.Create(ctx, in, kind)
	if err != nil {
		return nil, err
	}
	return CreateKey201JSONResponse{Body: showNewKey(key, secret), Headers: CreateKey201ResponseHeaders{
		ETag: etagOf(key.Version), Location: "/v1/keys/" + key.ID,
	}}, nil
}

// GetKey answers GET /v1/keys/{id}.
func (s *server) GetKey(ctx context.Context, r GetKeyRequestObject) (GetKeyResponseObject, error) {
	key, err := s.keys.Get(ctx, canonicalID(r.ID))
	if err != nil {
		return nil, err
	}
	return GetKey200JSONResponse{Body: showKey(key), Headers: GetKey200ResponseHeaders{ETag: etagOf(key.Version)}}, nil
}

// PatchKey answers PATCH /v1/keys/{id}.
func (s *server) PatchKey(ctx context.Context, r PatchKeyRequestObject) (PatchKeyResponseObject, error) {
	id := canonicalID(r.ID)
	version, err := ifMatch(r.Params.IfMatch, func() (int, error) {
		key, err := s.keys.Get(ctx, id)
		return key.Version, err
	})
	if err != nil {
		return nil, err
	}
	var key backstop.APIKey
	for range patchTries {
		key, err = s.patchKey(ctx, id, *r.JSONBody, version)
		if version != backstop.AnyVersion || backstop.CodeOf(err) != backstop.Stale {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return PatchKey200JSONResponse{Body: showKey(key), Headers: PatchKey200ResponseHeaders{ETag: etagOf(key.Version)}}, nil
}

// patchKey reads a key, merges the patch into it, and replaces the version that it has read.
func (s *server) patchKey(ctx context.Context, id string, patch KeyPatchInput, version int) (backstop.APIKey, error) {
	present, err := s.keys.Get(ctx, id)
	if err != nil {
		return backstop.APIKey{}, err
	}
	if version != backstop.AnyVersion && version != present.Version {
		return backstop.APIKey{}, errStale()
	}
	merged, err := mergedKey(present, patch)
	if err != nil {
		return backstop.APIKey{}, fmt.Errorf("merge API key: %w", err)
	}
	if err := s.validateKey(ctx, merged, present.Kind, present.APIKeyInput); err != nil {
		return backstop.APIKey{}, err
	}
	return s.keys.Replace(ctx, id, merged, present.Version)
}

func mergedKey(present backstop.APIKey, patch KeyPatchInput) (in backstop.APIKeyInput, err error) {
	shown := showKey(present)
	text, err := json.Marshal(KeyInput{
		Name: shown.Name, Scopes: shown.Scopes, Policies: &shown.Policies, Accounts: &shown.Accounts, RateLimit: &shown.RateLimit,
		Callback: callbackInputOf(present.Callback), ExpiresAt: shown.ExpiresAt,
	})
	if err != nil {
		return in, fmt.Errorf("write: %w", err)
	}
	var target map[string]any
	if err := json.Unmarshal(text, &target); err != nil {
		return in, fmt.Errorf("read: %w", err)
	}
	if text, err = json.Marshal(mergePatch(target, patch)); err != nil {
		return in, fmt.Errorf("write merged: %w", err)
	}
	var merged KeyInput
	if err := json.Unmarshal(text, &merged); err != nil {
		return in, fmt.Errorf("read merged: %w", err)
	}
	return keyFrom(merged), nil
}

func callbackInputOf(c *backstop.Callback) *CallbackInput {
	if c == nil {
		return nil
	}
	return &CallbackInput{URL: c.URL, Events: omitEmpty(convertAll[CallbackEvent](c.Events))}
}

// RevokeKey answers DELETE /v1/keys/{id}.
func (s *server) RevokeKey(ctx context.Context, r RevokeKeyRequestObject) (RevokeKeyResponseObject, error) {
	if err := s.keys.Revoke(ctx, canonicalID(r.ID)); err != nil {
		return nil, err
	}
	return RevokeKey204Response{}, nil
}

// RotateKey answers POST /v1/keys/{id}/rotate.
func (s *server) RotateKey(ctx context.Context, r RotateKeyRequestObject) (RotateKeyResponseObject, error) {
	overlap := backstop.DefaultKeyOverlap
	if r.Body.KeepFormerSeconds != nil {
		overlap = seconds(r.Body.KeepFormerSeconds)
	}
	key, secret, err := s.keys.Rotate(ctx, canonicalID(r.ID), overlap)
	if err != nil {
		return nil, err
	}
	return RotateKey200JSONResponse{
		Body: showNewKey(key, secret), Headers: RotateKey200ResponseHeaders{ETag: etagOf(key.Version)},
	}, nil
}

// validateKey also checks what a key names, unless the key has named it before: a policy may be deleted since.
func (s *server) validateKey(
	ctx context.Context, in backstop.APIKeyInput, kind backstop.KeyKind, present backstop.APIKeyInput,
) error {
	now := s.now()
	if in.ExpiresAt != nil && present.ExpiresAt != nil && in.ExpiresAt.Equal(*present.ExpiresAt) {
		now = in.ExpiresAt.Add(-time.Second) // an expired key may be changed
	}
	errs := []error{in.Validate(kind, now)}
	if in.Callback != nil {
		errs = append(errs, s.checkCallback(in.Callback))
	}
	missing := func(list string, i int, reason string) {
		errs = append(errs, &backstop.Error{Code: backstop.Invalid, Message: "the API key is not valid", Fields: []backstop.Field{
			backstop.NewField(list+"."+strconv.Itoa(i), backstop.FieldNotFound, reason),
		}})
	}
	for i, id := range in.Policies {
		if slices.Contains(present.Policies, id) {
			continue
		}
		_, err := s.policies.Policy(ctx, id)
		if backstop.CodeOf(err) == backstop.NotFound {
			missing("policies", i, "no policy has this id: see GET /v1/policies")
		} else if err != nil {
			return err
		}
	}
	for i, name := range in.Accounts {
		if _, found := s.accounts.Account(name); !found && !slices.Contains(present.Accounts, name) {
			missing("accounts", i, "no account has this name: see GET /v1/accounts")
		}
	}
	return mergeInvalid(errs...)
}

func keyFrom(in KeyInput) backstop.APIKeyInput {
	key := backstop.APIKeyInput{
		Name: in.Name, Scopes: convertAll[backstop.Scope](in.Scopes), Accounts: orZero(in.Accounts),
		RateLimit: orZero(in.RateLimit), ExpiresAt: inUTC(in.ExpiresAt),
	}
	for _, id := range orZero(in.Policies) {
		key.Policies = append(key.Policies, canonicalID(id))
	}
	if c := in.Callback; c != nil {
		key.Callback = &backstop.Callback{URL: c.URL, Events: convertAll[backstop.CallbackEvent](orZero(c.Events))}
	}
	return key
}

func showKey(k backstop.APIKey) Key {
	return Key{
		ID: k.ID, Name: k.Name, Kind: KeyKind(k.Kind), Prefix: k.Prefix, FormerPrefix: omitZero(k.Former),
		FormerUntil: inUTC(k.FormerUntil), Scopes: convertAll[KeyScope](k.Scopes), Policies: orEmpty(k.Policies),
		Accounts: orEmpty(k.Accounts), RateLimit: k.RateLimit, Callback: showCallbackTarget(k.Callback),
		ExpiresAt: inUTC(k.ExpiresAt), LastUsedAt: inUTC(k.LastUsedAt), Version: k.Version,
		CreatedAt: k.CreatedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC(),
	}
}

func showNewKey(k backstop.APIKey, secret backstop.KeySecret) NewKey {
	return NewKey{Key: showKey(k), Secret: string(secret)}
}
