package dimse

import (
	"context"
	"io"
	"iter"

	"tenon/dicomweb/dicom"
	"tenon/dicomweb/index"
	"tenon/server/access"
)

// Archive is what the services need of the image store. Every call carries the
// caller, whose reach bounds it: out of reach is absent. What is disclosed or
// stored is audited by the archive before the call returns, so an error of it
// ends the operation.
type Archive interface {
	// Store stores one Part 10 file of a SOP class and tells the status of
	// PS3.4 §B.2.3 with a comment. An error is a defect or the end of ctx.
	Store(ctx context.Context, who *access.Context, class string, file io.Reader) (status uint16, comment string, err error)

	// Find answers one page of a query at a level by the values of its keys, which
	// are read as those of QIDO-RS; keys of a lower level, or that are not held, do
	// not restrict it. An issue tells what is wrong with a value.
	Find(ctx context.Context, who *access.Context, level index.Level, k index.Key, keys map[dicom.Tag]string, limit, offset int) (*index.Page, error)

	// Retrieve yields the instances under a key, to be sent to a peer.
	Retrieve(ctx context.Context, who *access.Context, operation string, k index.Key) iter.Seq2[*index.Result, error]

	// Offers tells whether Open gives an instance in a transfer syntax.
	Offers(row *index.Result, syntax string) bool

	// Open gives an instance that Retrieve yielded as a Part 10 file in a transfer
	// syntax that Offers it.
	Open(ctx context.Context, who *access.Context, row *index.Result, syntax string) (io.ReadCloser, error)

	// Holds tells whether an instance of a SOP class is stored durably, and in
	// reach.
	Holds(ctx context.Context, who *access.Context, class, instance string) (bool, error)
}
