package git

import (
	"cmp"
	"context"
	"time"

	"gitonly.dev/gitonly/pkg/gitindex"
)

// Options bound what a Store takes upon itself, and say who may sign. Zero fields
// mean the defaults.
type Options struct {
	// Timeout is for one call of Resolve or Tree. 60 seconds by default.
	Timeout time.Duration
	// MaxFetchSize is the most that one fetch may transfer, in bytes. 512 MiB
	// by default. However much that stands for, it stays packed.
	MaxFetchSize int64
	// MaxFileSize is the most that a file may have to be read, in bytes. 8 MiB
	// by default.
	MaxFileSize int64
	// Signers reads the keys of those whose signatures count, each time they are
	// needed; an error should name what they are in. If nil, nothing can be
	// verified.
	Signers func(context.Context, gitindex.Verification) (Signers, error)
}

func (o Options) withDefaults() Options {
	return Options{
		Timeout:      cmp.Or(o.Timeout, time.Minute),
		MaxFetchSize: cmp.Or(o.MaxFetchSize, 512<<20),
		MaxFileSize:  cmp.Or(o.MaxFileSize, 8<<20),
		Signers:      o.Signers,
	}
}
