package ig

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanName is the name of an entry without "./". A name that leads out of the
// package, or that means something else on another system, is refused: nothing
// is ever written by these names, but whoever makes such a package is no friend.
func cleanName(name string) (string, error) {
	switch {
	case !utf8.ValidString(name):
		return "", refuse(name, "the name of an entry is no UTF-8", "文件名不是 UTF-8", "package-path")
	case len(name) > 1024:
		return "", refuse(name, "the name of an entry is longer than 1024 bytes", "文件名过长", "package-path")
	case name == "", name[0] == '/', strings.ContainsAny(name, "\\:"), strings.ContainsFunc(name, unicode.IsControl):
		return "", refuse(name, "the name of an entry is empty, absolute, or holds a backslash, colon or control character", "文件名无效", "package-path")
	}
	for step := range strings.SplitSeq(name, "/") {
		if step == ".." {
			return "", refuse(name, "the name of an entry leads out of the package", "文件名越出包外", "package-path")
		}
	}
	return path.Clean(name), nil
}

// isResource tells whether an entry may be a resource of the package: JSON in
// the folder package itself.
func isResource(name string) bool {
	file, ok := strings.CutPrefix(name, "package/")
	return ok && !strings.Contains(file, "/") && strings.HasSuffix(file, ".json") && file[0] != '.' && file != "ig-r4.json"
}

// withoutBOM drops a byte order mark: packages made on other systems have it.
func withoutBOM(body []byte) []byte {
	if len(body) >= 3 && string(body[:3]) == "\xEF\xBB\xBF" {
		return body[3:]
	}
	return body
}
