package casework

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"tenon/fhir/tree"
)

// intact() says that every file of each document is stored here and has the
// SHA-256 that the document states in the extension of its Attachment.
var intactPredicate = every("intact", 0, func(e *evaluation, r *Resource, _ []string) bool {
	files := 0
	whole := true
	for content := range r.Root.Field("content").Items() {
		a := content.Field("attachment")
		files++
		if !e.intactFile(r, a) {
			whole = false
		}
	}
	if files == 0 {
		e.because(fmt.Sprintf("%s has no file.", r.Ref()), fmt.Sprintf("%s 没有文件。", r.Ref()))
	}
	return files > 0 && whole
})

func (e *evaluation) intactFile(r *Resource, attachment tree.Node) bool {
	stated := strings.ToLower(valueOf(extension(attachment, extensionSHA256)).Str())
	if stated == "" {
		e.because(fmt.Sprintf("%s states no SHA-256 for a file (extension %s of the Attachment).", r.Ref(), extensionSHA256),
			fmt.Sprintf("%s 的文件未载明 SHA-256。", r.Ref()))
		return false
	}
	stored := e.contentDigest(attachment)
	if stored == "" {
		e.because(fmt.Sprintf("%s: the file %q is not stored in this case.", r.Ref(), attachment.Field("url").Str()),
			fmt.Sprintf("%s：文件未存储于本病例。", r.Ref()))
		return false
	}
	if stored != stated {
		e.because(fmt.Sprintf("%s states the SHA-256 %.12s…, the stored file has %.12s….", r.Ref(), stated, stored),
			fmt.Sprintf("%s 载明的 SHA-256 与存储文件不一致。", r.Ref()))
		return false
	}
	return true
}

// contentDigest is the hex SHA-256 of what an Attachment holds or points to.
func (v *view) contentDigest(attachment tree.Node) string {
	if data := attachment.Field("data"); data.Exists() {
		return digestOfBase64(data.Str())
	}
	binary := v.byRef[cleanReference(attachment.Field("url").Str())]
	if binary == nil || binary.Type != "Binary" {
		return ""
	}
	if binary.Blob != "" {
		return strings.ToLower(binary.Blob)
	}
	return digestOfBase64(binary.Root.Field("data").Str())
}

func digestOfBase64(data string) string {
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil || data == "" {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
