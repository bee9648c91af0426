//go:build !unix

package cur

import "time"

// processorTime stands in with the clock where there is no such thing.
func processorTime() time.Duration { return time.Duration(time.Now().UnixNano()) }
