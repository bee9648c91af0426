package attribution

import (
	"fmt"
	"strconv"
)

// Canonical returns the one text that all spellings of an anchor share under the
// rules' aliases; nil rules are the default. Whoever keeps anchors apart keys them
// by it. Partitions take no part in it: an account id belongs to one partition. The
// text is stable and not meant to be read or taken apart.
func (a Anchor) Canonical(r *Rules) (string, error) {
	c, _, err := a.canonical(r.aliases())
	if err != nil {
		return "", fmt.Errorf("attribution: anchor %s: %w", a, err)
	}
	return strconv.Itoa(int(c.form)) + " " + strconv.Quote(c.account) + " " + strconv.Quote(c.name), nil
}
