package ledger

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Kinds of leaves.
const (
	KindVersion = "version"
	KindAudit   = "audit"
	KindBlob    = "blob"
)

// HashLeaf is SHA-256(0x00 ‖ salt ‖ body): the leaf hash of RFC 6962 over the
// salted body. The salt keeps a leaf from telling a guessable body, and when it
// is destroyed with the body the leaf stays without meaning.
// https://www.rfc-editor.org/rfc/rfc6962#section-2.1
func HashLeaf(salt [16]byte, body []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{rfc6962.RFC6962LeafHashPrefix})
	h.Write(salt[:])
	h.Write(body)
	return [32]byte(h.Sum(nil))
}

// VersionRef is "Type/id/_history/version".
func VersionRef(typ, id string, version int64) string {
	return typ + "/" + id + "/_history/" + strconv.FormatInt(version, 10)
}

// BlobRef is "sha-256/hex".
func BlobRef(digest [32]byte) string { return "sha-256/" + hex.EncodeToString(digest[:]) }

// VersionLeaf is the leaf of a version. A deletion has no stored bytes, so its
// leaf is over Tombstone.
func VersionLeaf(v VersionRow) Leaf {
	body := v.Body
	if v.Deleted {
		body = Tombstone(v)
	}
	return Leaf{Kind: KindVersion, Ref: v.Ref(), Hash: HashLeaf(v.Salt, body), At: v.Updated}
}

// Ref is the VersionRef of the row.
func (v VersionRow) Ref() string { return VersionRef(v.Type, v.ID, v.Version) }

// Tombstone is what the leaf of a deletion is over: which version it is and
// when, to the microsecond.
func Tombstone(v VersionRow) []byte {
	return fmt.Appendf(nil, "deleted\n%s\n%s\n", v.Ref(), instant(v.Updated))
}

// BlobLeaf is the leaf of a blob: over its ref and size, since the ref is the
// digest of its content.
func BlobLeaf(b BlobRow, at time.Time) Leaf {
	return Leaf{Kind: KindBlob, Ref: BlobRef(b.Digest), Hash: HashLeaf(b.Salt, blobBody(b)), At: at}
}

func blobBody(b BlobRow) []byte {
	return fmt.Appendf(nil, "%s\n%d\n", BlobRef(b.Digest), b.Size)
}

// Leaf is the leaf of the batch: over its ref, the number of rows and the root
// of the Merkle tree of its salted rows.
func (b *AuditBatch) Leaf(at time.Time) Leaf {
	body := batchBody(b.Ref, len(b.Rows), b.root())
	return Leaf{Kind: KindAudit, Ref: b.Ref, Hash: HashLeaf(b.salt(), body), At: at}
}

func batchBody(ref string, rows int, root [32]byte) []byte {
	return fmt.Appendf(nil, "%s\n%d\n%x\n", ref, rows, root)
}

func (b *AuditBatch) root() [32]byte {
	tree := newRange(0)
	for i := range b.Rows {
		h := b.rowHash(i)
		_ = tree.Append(h[:], nil) // fails on a corrupt range only
	}
	return rootOf(tree)
}

func (b *AuditBatch) rowHash(i int) [32]byte { return HashLeaf(b.rowSalt(i), b.Rows[i]) }

// salt and rowSalt are derived, so that a batch keeps one secret and a row's
// salt can be told without telling another's.
func (b *AuditBatch) salt() [16]byte { return derive(b.Key, 0) }

func (b *AuditBatch) rowSalt(i int) [16]byte { return derive(b.Key, uint64(i)+1) }

func derive(key [32]byte, n uint64) [16]byte {
	m := hmac.New(sha256.New, key[:])
	m.Write(binary.BigEndian.AppendUint64(nil, n))
	return [16]byte(m.Sum(nil)[:16])
}

const instantLayout = "2006-01-02T15:04:05.000000Z"

// instant is the one form of a time in what is hashed or signed.
func instant(t time.Time) string {
	return t.UTC().Truncate(time.Microsecond).Format(instantLayout)
}

var ranges = compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}

func newRange(begin uint64) *compact.Range { return ranges.NewEmptyRange(begin) }

// rootOf is the root of a range that begins at 0; of the empty tree it is the
// hash of nothing.
func rootOf(r *compact.Range) [32]byte {
	root, err := r.GetRootHash(nil)
	if err != nil || root == nil {
		return [32]byte(rfc6962.DefaultHasher.EmptyRoot())
	}
	return [32]byte(root)
}
