package keys

import (
	"context"
	"log/slog"
	"time"

	"github.com/backstophq/backstop"
)

// List returns the stored keys, the newest first.
func (k *Keeper) List(ctx context.Context) ([]backstop.APIKey, error) {
	stored, err := k.store.APIKeys(ctx)
	all := make([]backstop.APIKey, len(stored))
	for i, s := range stored {
		all[i] = s.APIKey
	}
	return all, err
}

// Get returns the key of an id, or an Error of code NotFound.
func (k *Keeper) Get(ctx context.Context, id string) (backstop.APIKey, error) {
	return k.store.APIKey(ctx, id)
}

// Create stores a valid key, and returns it with its secret.
func (k *Keeper) Create(
	ctx context.Context, in backstop.APIKeyInput, kind backstop.KeyKind,
) (backstop.APIKey, backstop.KeySecret, error) {
	secret := backstop.NewKeySecret(kind)
	key, err := k.store.CreateAPIKey(ctx, in, kind, secret)
	k.reload(ctx, err)
	return key, secret, err
}

// Replace writes what an administrator sets over that of a version.
func (k *Keeper) Replace(
	ctx context.Context, id string, in backstop.APIKeyInput, version int,
) (backstop.APIKey, error) {
	key, err := k.store.ReplaceAPIKey(ctx, id, in, version)
	k.reload(ctx, err)
	return key, err
}

// Rotate gives a key a new secret, and returns it. The present one stays valid for a while.
func (k *Keeper) Rotate(
	ctx context.Context, id string, overlap time.Duration,
) (backstop.APIKey, backstop.KeySecret, error) {
	key, err := k.store.APIKey(ctx, id)
	if err != nil {
		return backstop.APIKey{}, "", err
	}
	secret := backstop.NewKeySecret(key.Kind)
	key, err = k.store.RotateAPIKey(ctx, id, secret, k.store.Now().Add(overlap))
	k.reload(ctx, err)
	return key, secret, err
}

// Revoke deletes a key.
func (k *Keeper) Revoke(ctx context.Context, id string) error {
	err := k.store.DeleteAPIKey(ctx, id)
	k.reload(ctx, err)
	return err
}

// reload makes a change hold in this process at once. After an error too: the change may be stored. If it fails, Run does it
// within a second or two.
func (k *Keeper) reload(ctx context.Context, changed error) {
	if changed != nil && backstop.CodeOf(changed) != backstop.TryLater {
		return
	}
	if err := k.Load(context.WithoutCancel(ctx)); err != nil {
		k.log.WarnContext(ctx, "API keys are not read after a change", slog.Any("error", err))
	}
}
