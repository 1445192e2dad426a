package record

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"

	"tenon/server/dispatch"
)

// exportFile is NDJSON on its way into a blob, compressed by gzip; nothing of it
// is held but a block. https://github.com/ndjson/ndjson-spec
type exportFile struct {
	kind, typ    string
	ctx          context.Context
	blobs        Blobs
	pipe         *io.PipeWriter
	zip          *gzip.Writer
	staged       chan error
	row          BlobRow
	count, bytes int64
	patients     map[string]bool
	compacted    bytes.Buffer
}

func (e *exporting) newFile(kind, typ string) *exportFile {
	return newExportFile(e.ctx, e.Files, kind, typ)
}

func newExportFile(ctx context.Context, blobs Blobs, kind, typ string) *exportFile {
	return &exportFile{ctx: ctx, blobs: blobs, kind: kind, typ: typ, patients: map[string]bool{}}
}

// line appends one resource. Stored bytes may be spread over lines; in NDJSON
// they are one.
func (f *exportFile) line(body []byte) error {
	if f.pipe == nil {
		f.open()
	}
	if bytes.ContainsAny(body, "\n\r") {
		f.compacted.Reset()
		if err := json.Compact(&f.compacted, body); err != nil {
			return err
		}
		body = f.compacted.Bytes()
	}
	f.count++
	f.bytes += int64(len(body)) + 1
	if _, err := f.zip.Write(body); err != nil {
		return err
	}
	_, err := f.zip.Write([]byte{'\n'})
	return err
}

func (f *exportFile) open() {
	r, w := io.Pipe()
	f.pipe, f.staged = w, make(chan error, 1)
	f.zip, _ = gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is one
	go func() {
		var err error
		f.row, err = f.blobs.Stage(f.ctx, r, 0)
		_ = r.CloseWithError(errStopped) // a writer must not wait for a reader that is gone
		f.staged <- err
	}()
}

// close makes the file durable.
func (f *exportFile) close(ctx context.Context) (dispatch.File, error) {
	err := f.zip.Close()
	if err != nil {
		f.drop()
		return dispatch.File{}, err
	}
	_ = f.pipe.Close()
	f.pipe = nil
	if err := <-f.staged; err != nil {
		return dispatch.File{}, err
	}
	if err := f.blobs.Sync(ctx); err != nil {
		return dispatch.File{}, err
	}
	return dispatch.File{Kind: f.kind, Type: f.typ, Count: f.count, Size: f.row.Size, Digest: f.row.Digest}, nil
}

// drop gives up what was not closed.
func (f *exportFile) drop() {
	if f.pipe != nil {
		giveUp(f.pipe)
		<-f.staged
		f.pipe = nil
	}
}
