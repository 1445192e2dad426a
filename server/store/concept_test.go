package store_test

import (
	"bytes"
	"testing"

	"tenon/fhir/terminology"
	"tenon/server/store"
)

// FuzzChunk reads any bytes as a chunk of concepts: it ends, takes no more memory
// than the chunk has bytes, and what it reads is written as it was.
func FuzzChunk(f *testing.F) {
	whole := store.AppendConcept(nil, &terminology.Concept{Code: "a", Display: "A", Parents: []string{"b"}, Inactive: true,
		Designations: []terminology.Designation{{Language: "zh", Value: "甲"}}, Properties: []terminology.Property{{Code: "p", Type: "string", Value: "v"}}})
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Add([]byte{1, 'a', 0, 0, 0, 0xff, 0xff, 3})
	f.Fuzz(func(t *testing.T, body []byte) {
		var again []byte
		err := store.EachConcept(body, func(c *terminology.Concept) error {
			if len(c.Parents) > len(body) || len(c.Properties) > len(body) || len(c.Designations) > len(body) {
				t.Error("more parts than bytes")
			}
			again = store.AppendConcept(again, c)
			return nil
		})
		if err == nil && len(again) <= len(body) && !bytes.Equal(again, body) && len(again) == len(body) {
			// Flags that mean nothing and long forms of numbers are not kept.
			var third []byte
			if err := store.EachConcept(again, func(c *terminology.Concept) error { third = store.AppendConcept(third, c); return nil }); err != nil || !bytes.Equal(third, again) {
				t.Errorf("written and read again: %v", err)
			}
		}
	})
}
