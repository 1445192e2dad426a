package storetest

import (
	"bytes"
	"fmt"
	"time"

	"tenon/server/ledger"
)

// anchors are kept once each, and found by what they cover.
func anchors(f *fixture) {
	for i, a := range []ledger.Anchor{
		{Kind: "tsa", Name: "http://tsa", Size: 10, Note: []byte("n10"), Token: []byte("t")},
		{Kind: "tsa", Name: "http://tsa", Size: 20, Note: []byte("n20"), Token: []byte("t")},
		{Kind: "witness", Name: "w", Size: 15, Note: []byte("w15")},
		{Kind: "witness", Name: "w", Size: 15, Note: []byte("another"), Token: []byte("x")},
		{Kind: "witness", Name: "w", Size: 30, Note: []byte("w30")},
	} {
		a.At = Start.Add(time.Minute)
		if err := f.PutAnchor(f.ctx(), a); err != nil {
			f.Fatalf("PutAnchor() %d = %v", i, err)
		}
	}
	said := func(all []ledger.Anchor, err error) (out []string) {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
		for _, a := range all {
			if !a.At.After(Start) || bytes.Equal(a.Note, []byte("another")) {
				f.Errorf("anchor %+v", a)
			}
			out = append(out, fmt.Sprintf("%s %d %s", a.Kind, a.Size, a.Note))
		}
		return out
	}
	f.want("AnchorsOver(9)", said(f.AnchorsOver(f.ctx(), 9)), "tsa 10 n10", "witness 15 w15")
	f.want("AnchorsOver(10)", said(f.AnchorsOver(f.ctx(), 10)), "witness 15 w15", "tsa 20 n20")
	f.want("AnchorsOver(25)", said(f.AnchorsOver(f.ctx(), 25)), "witness 30 w30")
	f.want("AnchorsOver(30)", said(f.AnchorsOver(f.ctx(), 30)))
	f.want("NewestAnchors", said(f.NewestAnchors(f.ctx())), "tsa 20 n20", "witness 30 w30")
}
