package pricing_test

import (
	"testing"

	"github.com/spendclaim/spendclaim/pricing"
)

func TestDefaultCardBuilds(t *testing.T) {
	card, err := pricing.DefaultCard()
	if err != nil {
		t.Fatal(err)
	}
	if got := len(card.Rates()); got < 80 {
		t.Errorf("DefaultCard holds %d rates, want at least 80", got)
	}
}
