package backstop_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/backstophq/backstop"
)

func TestTakesSendID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		country, id string
		want        bool
	}{
		{"US", "MyShop", false}, {"CA", "MyShop", false}, {"PR", "My Shop", false}, {"BR", "A1", false}, {"KR", "MyShop", false},
		{"US", "60777", true}, {"US", "+12025550143", true}, {"GB", "MyShop", true}, {"DE", "MyShop", true}, {"", "MyShop", true},
	} {
		require.Equal(t, c.want, backstop.TakesSendID(c.country, c.id), "%s %s", c.country, c.id)
	}
}
