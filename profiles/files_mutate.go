//go:build mutate

package profiles

import "os"

// files of a build for `make mutate` alone are those of a folder, so that one
// build of the tests judges every changed definition.
var files = os.DirFS(os.Getenv("TENON_PROFILES"))
