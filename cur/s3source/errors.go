package s3source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"github.com/aws/smithy-go"

	"github.com/spendclaim/spendclaim/cur"
)

// Error says what failed on which object.
type Error struct {
	Op     string // "stat", "read" or "list"
	Bucket string
	Key    string // the prefix of a listing
	// Want and Got are the ETags of an object that was replaced: when it was opened,
	// and later ("" when that could not be told). Both are blank otherwise.
	Want, Got string
	Err       error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("s3source: %s s3://%s/%s: ", e.Op, e.Bucket, e.Key)
	if e.Want != "" {
		return s + fmt.Sprintf("%v: its ETag was %q, and is %q", e.Err, e.Want, e.Got)
	}
	return s + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is matches cur.ErrSource.
func (e *Error) Is(target error) bool { return target == cur.ErrSource }

// fail makes an error of what a request ended with.
func (s *Source) fail(op, key string, err error) error {
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	switch status(err) {
	case http.StatusNotFound:
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case http.StatusForbidden:
		err = fmt.Errorf("%w (or, without s3:ListBucket, it does not exist): %w", fs.ErrPermission, err)
	}
	// The end of a connection is not the end of a file, whatever it is called.
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New(err.Error())
	}
	return &Error{Op: op, Bucket: s.bucket, Key: key, Err: err}
}

// status returns the HTTP status that an error stands for, 0 if none. Answers to
// HEAD have no body, so the code alone would not do; fakes may have nothing else.
func status(err error) int {
	var answer interface{ HTTPStatusCode() int }
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return 0
	}
	switch api.ErrorCode() {
	case "NoSuchKey", "NotFound", "NoSuchBucket", "NoSuchVersion":
		return http.StatusNotFound
	case "AccessDenied", "Forbidden":
		return http.StatusForbidden
	case "PreconditionFailed":
		return http.StatusPreconditionFailed
	}
	return 0
}
