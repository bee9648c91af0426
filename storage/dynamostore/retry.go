package dynamostore

import (
	"context"
	cryptorand "crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
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

// An offer is one call as the client repeats it. It takes the place of the client's
// own rules for retries, because whether an attempt may have been applied decides what
// a later refusal means; the client still does the repeating, with the request as it
// was encoded, to the byte.
type offer struct {
	aws.NopRetryer
	attempts int

	last  error // of the latest attempt
	kind  outcome
	doubt bool // some attempt had no answer
}

// by makes the client repeat a call by the rules of o.
func (o *offer) by(options *dynamodb.Options) { options.Retryer = o }

// MaxAttempts implements aws.Retryer.
func (o *offer) MaxAttempts() int { return o.attempts }

// IsErrorRetryable implements aws.Retryer. It is asked after each attempt that fails.
func (o *offer) IsErrorRetryable(err error) bool {
	o.last, o.kind = err, judge(err)
	o.doubt = o.doubt || o.kind == unknown
	return o.kind != final
}

// RetryDelay implements aws.Retryer: at most 25 ms after the first attempt, doubling
// up to 3.2 s, a random half of it so that contenders part.
func (o *offer) RetryDelay(attempt int, _ error) (time.Duration, error) {
	most := 25 * time.Millisecond << min(max(attempt-1, 0), 7)
	return most/2 + rand.N(most/2), nil
}

// failed takes note of the error of the call as a whole, and reports the attempt's
// behind it.
func (o *offer) failed(err error) error {
	if o.last == nil {
		o.IsErrorRetryable(err) // there was no attempt, or the client is not the SDK's
	}
	return o.last
}

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
		skewed   interface{ RetryableError() bool }
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
	case errors.As(err, &op) && op.Op == "dial":
		return busy // never left this machine
	case errors.As(err, &skewed) && skewed.RetryableError():
		return busy // signed with a clock that the client has corrected by now
	case errors.As(err, &response):
		if status := response.HTTPStatusCode(); status >= 400 && status < 500 && status != 408 {
			return final
		}
		return unknown // also an answer of 200 that could not be read to its end
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
	if _, err := cryptorand.Read(id[:]); err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: acts, ClientRequestToken: aws.String(hex.EncodeToString(id[:]))}
	o := &offer{attempts: d.attempts}
	_, err := d.client.TransactWriteItems(ctx, in, o.by)
	if err == nil {
		return nil
	}
	err = o.failed(err)
	var cancel *types.TransactionCanceledException
	switch {
	case o.kind == final && errors.As(err, &cancel):
		return &cancelled{reasons: cancel.CancellationReasons, doubt: o.doubt, err: err}
	case o.doubt:
		return fmt.Errorf("%w: %w", storage.ErrUnknownOutcome, err)
	case o.kind == final:
		return err
	}
	return giveUp(ctx, err)
}

// giveUp is the error of a call that was not carried out.
func giveUp(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return fmt.Errorf("%w: %w", storage.ErrUnavailable, err)
}

// retried makes a call that reads, until it succeeds or cannot.
func retried[T any](ctx context.Context, d *Driver, call func(by func(*dynamodb.Options)) (T, error)) (T, error) {
	o := &offer{attempts: d.attempts}
	out, err := call(o.by)
	if err == nil {
		return out, nil
	}
	if err = o.failed(err); o.kind == final {
		return out, err
	}
	return out, giveUp(ctx, err)
}
