package blob_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"testing"

	"tenon/server/store/blob"
)

// victim stages contents until it is killed and says which are durable.
func victim(t *testing.T, dir string) {
	s, err := blob.Open(dir, blob.Options{SegmentSize: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for w := range 3 {
		go func() {
			for i := 0; ; i++ {
				b := content(uint64(os.Getpid()*1000+w*100_000+i), 1+(i*300_007+w*99)%(3<<20))
				row, err := s.Stage(t.Context(), bytes.NewReader(b), 0)
				if err == nil {
					err = s.Sync(t.Context())
				}
				if err != nil {
					return
				}
				fmt.Printf("kept %x\n", row.Digest) //nolint:forbidigo // the parent reads it
			}
		}()
	}
	select {}
}

func digest(t *testing.T, text string) [32]byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 32 {
		t.Fatalf("digest %q: %v", text, err)
	}
	return [32]byte(b)
}
