package profiles

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Terms is the list of terms of the guide, its code systems and value sets, in the
// version that an agreement states (clause 4.1.6.4).
const Terms = "urn:tenon:terms|1.0.0"

// folders are the parts of the guide, what others build on first.
var folders = []string{"case", "implant", "socket"}

// kinds are the definitions by the beginning of their file names, what others
// refer to first.
var kinds = []string{
	"codesystem-", "valueset-", "extension-", "profile-", "searchparameter-", "observationdefinition-",
	"questionnaire-", "measure-", "activitydefinition-", "plandefinition-",
}

// Definitions returns the definition resources in the order in which they can be
// loaded. The caller must not change the bytes.
func Definitions() [][]byte {
	var bodies [][]byte
	for _, kind := range kinds {
		for _, folder := range folders {
			bodies = append(bodies, read(folder, kind)...)
		}
	}
	return bodies
}

// Digest names a guide by its content: the SHA-256, in hex, of its definitions in
// their order.
func Digest(definitions [][]byte) string {
	h := sha256.New()
	for _, body := range definitions {
		fmt.Fprintf(h, "%d\n", len(body))
		h.Write(body)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Sample returns transaction Bundles of PUT entries with fixed ids, in load
// order: the directory (organisations, people, what verifies them), then what
// the manufacturer owns (machine, software, materials). Owner says for which
// organisation each is to be written.
func Sample() [][]byte { return read("sample", "") }

// SampleOwner is the organisation ("Organization/x") that owns what the i-th
// Bundle of Sample holds; "" for the directory, which nobody owns.
func SampleOwner(i int) string {
	if i == 1 {
		return "Organization/maker"
	}
	return ""
}

// read returns the files of a folder whose names begin with the prefix, in the
// order of their names.
func read(folder, prefix string) [][]byte {
	entries, err := fs.ReadDir(files, folder)
	if err != nil {
		panic("profiles: " + err.Error()) // embedded: cannot be absent
	}
	var bodies [][]byte
	for _, e := range entries {
		if e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		body, err := fs.ReadFile(files, path.Join(folder, e.Name()))
		if err != nil {
			panic("profiles: " + err.Error())
		}
		bodies = append(bodies, body)
	}
	return bodies
}
