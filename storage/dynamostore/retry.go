package dynamostore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/spendclaim/spendclaim/storage"
)

// once switches the client's own retries off: whether an attempt may have been
// applied decides what a later refusal means, so each has to be seen here.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// Codes of cancellation reasons.
const (
	reasonNone      = "None"
	reasonCondition = "ConditionalCheckFailed"
)

// cancelled is a transaction of which the service refused a condition.
type cancelled struct {
	reasons []types.CancellationReason
	doubt   bool // an earlier attempt at the same transaction had no answer
	err     error
}

func (c *cancelled) Error() string { return "transaction cancelled: " + c.err.Error() }
func (c *cancelled) Unwrap() error { return c.err }

// An outcome is what one attempt at a call tells.
type outcome int

const (
	final   outcome = iota // refused for good; nothing was written
	busy                   // refused for now; nothing was written
	unknown                // may have been carried out
)

// judge says what the error of an attempt means.
func judge(err error) outcome {
	var (
		progress *types.TransactionInProgressException
		cancel   *types.TransactionCanceledException
		api      smithy.APIError
		response *smithyhttp.ResponseError
		send     *smithyhttp.RequestSendError
		stopped  *smithy.CanceledError
		op       *net.OpError
	)
	switch {
	case errors.As(err, &progress):
		return unknown // an earlier attempt of ours is still under way
	case errors.As(err, &cancel):
		return judgeReasons(cancel.CancellationReasons)
	case errors.As(err, &api) && slices.Contains([]string{
		"ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "RequestLimitExceeded",
		"LimitExceededException", "TransactionConflictException", "ReplicatedWriteConflictException",
	}, api.ErrorCode()):
		return busy
	case errors.As(err, &response):
		if status := response.HTTPStatusCode(); status >= 400 && status < 500 && status != 408 {
			return final
		}
		return unknown // also an answer of 200 that could not be read to its end
	case errors.As(err, &op) && op.Op == "dial":
		return busy // never left this machine
	case errors.As(err, &send), errors.As(err, &stopped), errors.As(err, &op),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unknown
	case errors.As(err, &api):
		if api.ErrorFault() == smithy.FaultClient {
			return final
		}
		return unknown
	}
	return final // the request could not be made: no credentials, no Region
}

// judgeReasons judges a transaction that was cancelled as a whole: final when the
// state of an item refuses it, busy when nothing but other transactions or capacity
// stood in its way.
func judgeReasons(reasons []types.CancellationReason) outcome {
	out := busy
	for _, r := range reasons {
		switch code := aws.ToString(r.Code); code {
		case reasonNone, "", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
		default: // ConditionalCheckFailed, ValidationError, ItemCollectionSizeLimitExceeded
			out = final
		}
	}
	return out
}

// transact offers one transaction, always with the same token and the same bytes,
// until the service decides. The error is a *cancelled when conditions refused it.
func (d *Driver) transact(ctx context.Context, acts []types.TransactWriteItem) error {
	// A token names one call, not one content: the same batch may be meant again
	// later, after its records were deleted, and must then be carried out.
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: acts, ClientRequestToken: aws.String(hex.EncodeToString(id[:]))}
	doubt := false
	for attempt := 1; ; attempt++ {
		_, err := d.client.TransactWriteItems(ctx, in, once)
		if err == nil {
			return nil
		}
		kind := judge(err)
		var cancel *types.TransactionCanceledException
		switch {
		case kind == unknown:
			doubt = true
		case kind == final && errors.As(err, &cancel):
			return &cancelled{reasons: cancel.CancellationReasons, doubt: doubt, err: err}
		case kind == final && doubt:
			return fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, err)
		case kind == final:
			return err
		}
		if attempt < d.attempts && pause(ctx, attempt) == nil {
			continue
		}
		if doubt {
			return fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, err)
		}
		return giveUp(ctx, err)
	}
}

// giveUp is the error of a call that was not carried out.
func giveUp(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
}

// retried makes a call that reads, until it succeeds or cannot.
func retried[T any](ctx context.Context, d *Driver, call func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		out, err := call()
		if err == nil || judge(err) == final {
			return out, err
		}
		if attempt < d.attempts && pause(ctx, attempt) == nil {
			continue
		}
		return out, giveUp(ctx, err)
	}
}

// pause waits before another attempt: at most 25 ms after the first, doubling up to
// 3.2 s, a random half of it so that contenders part.
func pause(ctx context.Context, attempt int) error {
	most := 25 * time.Millisecond << min(attempt-1, 7)
	t := time.NewTimer(most/2 + time.Duration(mathrand.Int64N(int64(most/2))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
