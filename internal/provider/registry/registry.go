// Package registry lists the drivers. A new driver is its package and one line here: configuration, API, console, webhooks and
// tests follow from its description.
package registry

import (
	"slices"

	"github.com/backstophq/backstop"
	"github.com/backstophq/backstop/internal/provider"
	"github.com/backstophq/backstop/internal/provider/alibaba"
	"github.com/backstophq/backstop/internal/provider/httpsms"
	"github.com/backstophq/backstop/internal/provider/infobip"
	"github.com/backstophq/backstop/internal/provider/meta"
	"github.com/backstophq/backstop/internal/provider/telnyx"
	"github.com/backstophq/backstop/internal/provider/twilio"
	"github.com/backstophq/backstop/internal/provider/vonage"
)

// Drivers returns all drivers, in the order in which people see them.
func Drivers() []provider.Driver {
	return []provider.Driver{
		meta.Driver(),
		twilio.Driver(),
		alibaba.Driver(),
		infobip.Driver(),
		httpsms.Driver(),
		vonage.Driver(),
		telnyx.Driver(),
	}
}

// Find returns the driver of this name, or false.
func Find(name string) (provider.Driver, bool) {
	all := Drivers()
	i := slices.IndexFunc(all, func(d provider.Driver) bool { return d.Name == name })
	if i < 0 {
		return provider.Driver{}, false
	}
	return all[i], true
}

// ErrorCodes returns the error codes of all drivers.
func ErrorCodes() ([]backstop.ErrorCode, error) {
	var all []backstop.ErrorCode
	for _, d := range Drivers() {
		codes, err := d.ErrorCodes()
		if err != nil {
			return nil, err
		}
		all = append(all, codes...)
	}
	return all, nil
}
