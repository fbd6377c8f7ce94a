package api

import (
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/backstophq/backstop"
)

// Bounds of wrong sign-ins from one address, in one process.
const (
	wrongAtOnce   = 10
	wrongEvery    = 6 * time.Second // so 10 a minute
	slowAddresses = 10_000          // that are remembered
)

// slowdown limits the wrong sign-ins of each address. It is that of one process: what it protects has 16 characters or more, so
// several processes may each admit as many.
type slowdown struct {
	addresses *lru.Cache[string, *rate.Limiter]
}

func newSlowdown() *slowdown {
	addresses, err := lru.New[string, *rate.Limiter](slowAddresses)
	if err != nil {
		panic(err) // the size is positive
	}
	return &slowdown{addresses}
}

// take counts a sign-in of an address as wrong, before it is known to be: several at once must not pass together. The function
// that it returns takes that back. After too many it returns an Error of code Limited.
func (s *slowdown) take(address string, now time.Time) (isRight func(), err error) {
	address = networkOf(address)
	fresh := rate.NewLimiter(rate.Every(wrongEvery), wrongAtOnce)
	limiter, found, _ := s.addresses.PeekOrAdd(address, fresh)
	if !found {
		limiter = fresh
	}
	s.addresses.Get(address) // it is used
	taken := limiter.ReserveN(now, 1)
	if delay := taken.DelayFrom(now); delay > 0 {
		taken.CancelAt(now)
		return nil, &backstop.Error{
			Code: backstop.Limited, Message: "too many wrong sign-ins from this address: try again later",
			RetryAfter: delay.Truncate(time.Second) + time.Second,
		}
	}
	return func() { taken.CancelAt(now) }, nil
}

// networkOf returns the address, or of IPv6 the network of 64 bits, which one customer has whole (RFC 6177).
func networkOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Is4() || ip.Is4In6() {
		return address
	}
	network, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}
