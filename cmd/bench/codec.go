package main

import "context"

const (
	codecOff = "codec off"
	codecOn  = "codec on"
	// leastWithCodec is the share of the throughput that remains with encryption.
	leastWithCodec = 0.9

	benchKeyring = "bench:bG9jYWwgb25seTogbm90IGEgc2VjcmV0IGF0IGFsbC4="
)

// withKeyring returns the settings of a Backstop that has a key and encrypts nothing.
func withKeyring() map[string]string { return map[string]string{"BACKSTOP_KEYRING": benchKeyring} }

// encrypted returns the settings of a Backstop with encrypted payloads.
func encrypted() map[string]string {
	return map[string]string{"BACKSTOP_KEYRING": benchKeyring, "BACKSTOP_TEMPORAL_ENCRYPT": "true"}
}

const (
	sealOff = "sealing off"
	sealOn  = "sealing on"
	// leastSealed is the share of the throughput that remains with encrypted texts.
	leastSealed = 0.95
)

// measureSealed compares whole sends with encrypted texts in Postgres and with plain ones.
func (b *bench) measureSealed(ctx context.Context) error {
	return b.compareSettings(ctx, pair{
		title: "Sealed texts", raw: "sealed", off: sealOff, on: sealOn, least: leastSealed,
		note:   "sealing on: BACKSTOP_SEAL=texts.",
		target: "completed sends per second with encrypted texts, of plain",
	}, withKeyring(), map[string]string{"BACKSTOP_KEYRING": benchKeyring, "BACKSTOP_SEAL": "texts"})
}

// measureCodec compares whole sends with encrypted payloads and with plain ones.
func (b *bench) measureCodec(ctx context.Context) error {
	return b.compareSettings(ctx, pair{
		title: "Codec", raw: "codec", off: codecOff, on: codecOn, least: leastWithCodec,
		note:   "codec on: BACKSTOP_TEMPORAL_ENCRYPT.",
		target: "completed sends per second with encrypted payloads, of plain",
	}, withKeyring(), encrypted())
}
