package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/backstophq/backstop"
)

// patchTries is how often a change of any version is made anew, because another change came in between.
const patchTries = 3

// PatchAccount answers PATCH /v1/accounts/{name}.
func (s *server) PatchAccount(ctx context.Context, r PatchAccountRequestObject) (PatchAccountResponseObject, error) {
	version, err := ifMatch(r.Params.IfMatch, s.accountVersion(ctx, r.Name))
	if err != nil {
		return nil, err
	}
	var state backstop.AccountState
	for range patchTries {
		state, err = s.patchAccount(ctx, r, version)
		if version != backstop.AnyVersion || backstop.CodeOf(err) != backstop.Stale {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return PatchAccount200JSONResponse{
		Body: s.showChanged(ctx, state), Headers: PatchAccount200ResponseHeaders{ETag: etagOf(state.Version)},
	}, nil
}

// patchAccount reads an account, merges the patch into it, and replaces the version that it has read.
func (s *server) patchAccount(ctx context.Context, r PatchAccountRequestObject, version int) (backstop.AccountState, error) {
	present, err := s.accounts.GetAccount(ctx, r.Name)
	if err != nil {
		return backstop.AccountState{}, err
	}
	if version != backstop.AnyVersion && version != present.Version {
		return backstop.AccountState{}, errStale()
	}
	merged, err := mergedInput(present, *r.JSONBody) // readBody makes JSON of all types
	if err != nil {
		return backstop.AccountState{}, fmt.Errorf("merge account: %w", err)
	}
	return s.accounts.ReplaceAccount(ctx, accountChange(r.Name, merged), present.Version, isChecked(r.Params.Check))
}

// mergedInput returns the body of PUT that keeps an account as it is but for a patch. The settings of an account have no
// secrets, so a secret that the patch lacks is absent, which keeps it. The text that removes a secret is the empty one.
func mergedInput(present backstop.AccountState, patch AccountPatchInput) (AccountChangeInput, error) {
	patch = maps.Clone(patch)
	if settings, ok := patch["settings"].(map[string]any); ok {
		settings = maps.Clone(settings)
		for name, value := range settings {
			if value == nil {
				settings[name] = ""
			}
		}
		patch["settings"] = settings
	}
	text, err := json.Marshal(unchangedInput(present))
	if err != nil {
		return AccountChangeInput{}, fmt.Errorf("write account: %w", err)
	}
	var target map[string]any
	if err := json.Unmarshal(text, &target); err != nil {
		return AccountChangeInput{}, fmt.Errorf("read account: %w", err)
	}
	if text, err = json.Marshal(mergePatch(target, patch)); err != nil {
		return AccountChangeInput{}, fmt.Errorf("write merged account: %w", err)
	}
	var merged AccountChangeInput
	if err := json.Unmarshal(text, &merged); err != nil {
		return AccountChangeInput{}, fmt.Errorf("read merged account: %w", err)
	}
	return merged, nil
}

// unchangedInput returns the body of PUT that keeps an account as it is.
func unchangedInput(a backstop.AccountState) AccountChangeInput {
	timeout, onUnknown, whenUnhealthy := int(a.CallTimeout/time.Second), OnUnknown(a.OnUnknown), WhenUnhealthy(a.WhenUnhealthy)
	return AccountChangeInput{
		Settings: a.Settings, OnUnknown: &onUnknown, WhenUnhealthy: &whenUnhealthy, CallTimeoutSeconds: &timeout,
		CallsPerSecond: omitZero(a.CallsPerSecond), CallsAtOnce: omitZero(a.CallsAtOnce), Countries: omitEmpty(a.Countries),
		Disabled: &a.IsDisabled,
	}
}

// mergePatch applies a JSON merge patch (RFC 7396) to an object, and returns the object.
func mergePatch(target, patch map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for name, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(target, name)
		case map[string]any:
			inner, _ := target[name].(map[string]any)
			target[name] = mergePatch(inner, value)
		default:
			target[name] = value
		}
	}
	return target
}
