package main

import (
	"encoding/json"
	"runtime/debug"
	"testing"
)

// TestBill: what the binary holds, under the name that it has there, and the same
// bytes each time.
func TestBill(t *testing.T) {
	sum := "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Path: "tenon"}, Deps: []*debug.Module{
		{Path: "example.org/z", Version: "v1.2.3", Sum: sum},
		{Path: "example.org/a", Version: "v1.0.0", Replace: &debug.Module{Path: "./third_party/a"}},
		{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/new", Version: "v2.0.0", Sum: sum}},
	}}
	first, err := json.Marshal(bill(info))
	if err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(bill(info))
	want := `{"bomFormat":"CycloneDX","components":[{"type":"library","bom-ref":"example.org/a","name":"example.org/a (third_party/a)"},` +
		`{"type":"library","bom-ref":"example.org/new","name":"example.org/new","version":"v2.0.0","purl":"pkg:golang/example.org/new@v2.0.0","hashes":[{"alg":"SHA-256","content":"0000000000000000000000000000000000000000000000000000000000000000"}]},` +
		`{"type":"library","bom-ref":"example.org/z","name":"example.org/z","version":"v1.2.3","purl":"pkg:golang/example.org/z@v1.2.3","hashes":[{"alg":"SHA-256","content":"0000000000000000000000000000000000000000000000000000000000000000"}]},` +
		`{"type":"platform","bom-ref":"go","name":"go","version":"1.26.8","purl":"pkg:golang/stdlib@1.26.8"}],` +
		`"metadata":{"component":{"type":"application","bom-ref":"tenon","name":"tenon"}},"specVersion":"1.5","version":1}`
	if string(first) != want || string(again) != want {
		t.Errorf("bill() = %s, want %s", first, want)
	}
}
