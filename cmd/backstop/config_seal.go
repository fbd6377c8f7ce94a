package main

import (
	"fmt"
	"slices"

	"github.com/backstophq/backstop/internal/keyring"
	"github.com/backstophq/backstop/internal/postgres"
)

// sealConfig says what is encrypted in the database, beside the secrets of the accounts.
type sealConfig struct {
	What      []string `env:"SEAL"`       // texts, numbers
	NumberKey secret   `env:"NUMBER_KEY"` // for the tokens of numbers; of the form of the keyring
}

const (
	sealTexts   = "texts"
	sealNumbers = "numbers"
)

func (c sealConfig) texts() bool { return slices.Contains(c.What, sealTexts) }

func (c sealConfig) numbers() bool { return slices.Contains(c.What, sealNumbers) }

// numberKeys returns the keys of numbers. The keyring is empty if none is configured.
func (c sealConfig) numberKeys() (*keyring.Keyring, error) {
	ring, err := keyring.Parse(string(c.NumberKey))
	if err != nil {
		return nil, fmt.Errorf("read the key of numbers: %w", err)
	}
	return ring, nil
}

// options returns options with what is sealed in the database.
func (c sealConfig) options(o postgres.Options, ring *keyring.Keyring) (postgres.Options, error) {
	var err error
	o.Keyring, o.SealTexts, o.SealNumbers = ring, c.texts(), c.numbers()
	o.NumberKeys, err = c.numberKeys()
	return o, err
}

// fault returns what is wrong, or an empty text.
func (c sealConfig) fault(ring *keyring.Keyring) string {
	if slices.ContainsFunc(c.What, func(what string) bool { return what != sealTexts && what != sealNumbers }) {
		return "must be " + sealTexts + ", or " + sealTexts + "," + sealNumbers + ", or empty"
	}
	switch {
	case c.numbers() && !c.texts():
		return "must have " + sealTexts + " too: they repeat numbers"
	case c.texts() && ring.IsEmpty():
		return needsKey
	case c.numbers() && c.NumberKey == "":
		return "needs a key for numbers: set " + envPrefix + "NUMBER_KEY (backstop keys generate prints a key)"
	}
	return ""
}

// faults returns what is wrong, or empty texts, by variable.
func (c sealConfig) faults(ring *keyring.Keyring) map[string]string {
	return map[string]string{"SEAL": c.fault(ring), "NUMBER_KEY": c.keyFault(ring)}
}

// keyFault returns what is wrong with the key of numbers, or an empty text.
func (c sealConfig) keyFault(ring *keyring.Keyring) string {
	keys, err := c.numberKeys()
	if err != nil {
		return err.Error()
	}
	if slices.ContainsFunc(keys.IDs(), func(id string) bool { return slices.Contains(ring.IDs(), id) }) {
		return "must be a key of its own, which is not in " + keyring.Variable
	}
	return ""
}

// needsKey is the fault of a setting that encrypts without a keyring.
const needsKey = "needs a key: set " + keyring.Variable + " (backstop keys generate prints a key)"
