//go:build !linux

package boltstore_test

import "errors"

const canLimit = false

func limitFileSize(uint64) error { return errors.ErrUnsupported }

func smallDisk(string, int) (func(), error) { return nil, errors.ErrUnsupported }
