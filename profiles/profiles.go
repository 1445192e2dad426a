package profiles

import (
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed implant/*.json implant/sample/*.json
var files embed.FS

// Definitions returns the definition resources (CodeSystem, ValueSet,
// Questionnaire, PlanDefinition) in the order in which they can be loaded. The
// caller must not change the bytes.
func Definitions() [][]byte {
	var bodies [][]byte
	for _, prefix := range []string{"codesystem-", "valueset-", "questionnaire-", "plandefinition-"} {
		bodies = append(bodies, read("implant", prefix)...)
	}
	return bodies
}

// Sample returns transaction Bundles of PUT entries with fixed ids, in load
// order: the directory (organisations, people, what verifies them), then what
// the manufacturer owns (machine, software, materials). Owner says for which
// organisation each is to be written.
func Sample() [][]byte { return read("implant/sample", "") }

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
		body, err := files.ReadFile(path.Join(folder, e.Name()))
		if err != nil {
			panic("profiles: " + err.Error())
		}
		bodies = append(bodies, body)
	}
	return bodies
}
