//go:build !mutate

package profiles

import "embed"

//go:embed case/*.json implant/*.json socket/*.json sample/*.json
var files embed.FS
