package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"tenon/server/store/blob"
)

// bare is the name of the handler that only decrypts: what the same segments can
// give at most, without who asks, what is asked for, and audit.
const bare = "bare"

// decrypt serves GET /{digest}?offset= from the segments of a server that runs.
func decrypt(ctx context.Context, data string) error {
	blobs, err := blob.Open(filepath.Join(data, "blobs"), blob.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := give(w, r, blobs); err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
		}
	})}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func give(w http.ResponseWriter, r *http.Request, blobs *blob.Store) error {
	if r.URL.Path == "/readyz" {
		return nil
	}
	digest, err := hex.DecodeString(r.URL.Path[1:])
	if err != nil || len(digest) != sha256.Size {
		return fmt.Errorf("%q is no digest", r.URL.Path)
	}
	offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	if err != nil {
		return err
	}
	f, err := blobs.Open(r.Context(), [32]byte(digest))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	w.Header().Set("Content-Length", strconv.FormatInt(f.Size()-offset, 10))
	_, err = io.Copy(w, f)
	return err
}

// barePath is what the bare handler is asked for in the place of an instance or,
// with pixels, of its frame, which ends the file.
func (a *archive) barePath(i int, pixels bool) string {
	file := a.large.Slice(i % a.large.Len())
	offset := 0
	if pixels {
		offset = len(file) - 512*512*2
	}
	return fmt.Sprintf("/%x?offset=%d", sha256.Sum256(file), offset)
}
