package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/emmansun/gmsm/sm3"
)

// A dossier states the SM3 of everything beside its SHA-256 (GB/T 32905), so that
// it can be checked with tools that know the national suite alone; where the two
// disagree with the bytes, either is a finding. The log itself stays over SHA-256:
// its tree is that of RFC 6962.
//
// https://www.rfc-editor.org/rfc/rfc8998 names the algorithm; the text is
// http://www.gmbz.org.cn/main/viewfile/20180108023812835219.html

// sm3Line begins the lines of an inventory that hold the digests, one for
// everything that has a SHA-256 in it, in the same order.
const sm3Line = "sm3"

// names are all that has bytes, in the order of the lines.
func (v *inventory) names() []string {
	out := []string{"composition"}
	if v.summary != nil {
		out = append(out, "summary")
	}
	for _, group := range [][]listed{v.versions, v.events} {
		for _, l := range group {
			out = append(out, l.ref)
		}
	}
	for _, b := range v.blobs {
		out = append(out, BlobRef(b.digest))
	}
	return out
}

// national states the SM3 of bytes of a name.
func (v *inventory) national(name string, body []byte) {
	if v.sm3 == nil {
		v.sm3 = map[string][32]byte{}
	}
	v.sm3[name] = sm3.Sum(body)
}

// complete tells whether every name has its SM3, and nothing else has.
func (v *inventory) complete() error {
	if v.sm3 == nil {
		return nil
	}
	names := v.names()
	for _, name := range names {
		if _, ok := v.sm3[name]; !ok {
			return fmt.Errorf("the inventory has no SM3 of %s", printable(name))
		}
	}
	if len(names) != len(v.sm3) {
		return fmt.Errorf("the inventory has %d digests by SM3 of %d things", len(v.sm3), len(names))
	}
	return nil
}

// national reads the files of the dossier once, since no row has their SM3. What
// does not have its SHA-256 is not exported as if it had.
func (d *Dossier) national(ctx context.Context, inv *inventory) error {
	for _, b := range d.Blobs {
		if d.Content == nil {
			return errors.New("ledger: dossier: there is no content to read the SM3 of files from")
		}
		r, err := d.Content(ctx, b.Digest)
		if err != nil {
			return fmt.Errorf("ledger: dossier: %s: %w", BlobRef(b.Digest), err)
		}
		sum := sm3.New()
		_, err = io.Copy(sum, io.LimitReader(r, b.Size+1))
		if err = errors.Join(err, r.Close()); err != nil {
			return fmt.Errorf("ledger: dossier: %s: %w", BlobRef(b.Digest), err)
		}
		inv.sm3[BlobRef(b.Digest)] = [32]byte(sum.Sum(nil))
	}
	return nil
}

// national judges bytes by their SM3. Dossiers of before have none.
func (v *verifier) national(what, ref, name string, body []byte) {
	want, ok := v.ledger.sm3[name]
	if !ok {
		return
	}
	if sm3.Sum(body) == want {
		v.report.SM3++
		return
	}
	v.report.find(Changed, what, ref, "its bytes do not have the SM3 %x that the inventory says", want)
}

// nationalContent reads a content that travels apart by its SM3 while it is read.
func (v *verifier) nationalContent(digest [32]byte, open Content) Content {
	return func(ctx context.Context, d [32]byte) (io.ReadCloser, error) {
		r, err := open(ctx, d)
		if err != nil {
			return nil, err
		}
		want, ok := v.ledger.sm3[BlobRef(digest)]
		if !ok {
			return r, nil
		}
		sum := sm3.New()
		return &summed{Reader: io.TeeReader(r, sum), closes: func() error {
			if got := sum.Sum(nil); !bytes.Equal(got, want[:]) {
				return errors.Join(r.Close(), fmt.Errorf("its content does not have the SM3 %x that the inventory says", want))
			}
			v.report.SM3++
			return r.Close()
		}}, nil
	}
}

// summed is a reader that judges what was read when it is closed.
type summed struct {
	io.Reader
	closes func() error
}

func (s *summed) Close() error { return s.closes() }
