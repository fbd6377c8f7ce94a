package keys

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/backstophq/backstop"
)

// Quota is what is left of the rate limit of a key, in this process.
type Quota struct {
	Limit      int // requests a second; 0: no limit
	Remaining  int
	RetryAfter time.Duration // 0: the request is admitted
}

// limits are token buckets, one for each key that was used. A bucket holds the requests of one second.
type limits struct {
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

// Take takes one request of the quota of a key.
func (k *Keeper) Take(key backstop.APIKey) Quota { return k.limits.take(key, time.Now()) }

func (l *limits) take(key backstop.APIKey, now time.Time) Quota {
	if key.RateLimit == 0 {
		return Quota{}
	}
	bucket := l.bucket(key)
	q := Quota{Limit: key.RateLimit}
	if !bucket.AllowN(now, 1) {
		missing := 1 - bucket.TokensAt(now)
		q.RetryAfter = max(time.Duration(missing/float64(key.RateLimit)*float64(time.Second)), time.Millisecond)
		return q
	}
	q.Remaining = max(int(bucket.TokensAt(now)), 0)
	return q
}

// bucket returns the bucket of a key. A changed limit is a new bucket.
func (l *limits) bucket(key backstop.APIKey) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket := l.buckets[key.ID]
	if bucket == nil || bucket.Burst() != key.RateLimit {
		if l.buckets == nil {
			l.buckets = map[string]*rate.Limiter{}
		}
		bucket = rate.NewLimiter(rate.Limit(key.RateLimit), key.RateLimit)
		l.buckets[key.ID] = bucket
	}
	return bucket
}

// keep removes the buckets of the keys that are gone.
func (l *limits) keep(keys map[string]backstop.APIKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id := range l.buckets {
		if _, found := keys[id]; !found {
			delete(l.buckets, id)
		}
	}
}
