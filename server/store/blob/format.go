package blob

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// Sizes of the format. A frame on disk is its ciphertext and a tag.
const (
	Frame      = 1 << 20
	tagSize    = 16
	headerSize = 128
	maxSize    = 1 << 50 // no declared size beyond a PiB is believed
)

// ErrChanged says that bytes on disk are not what was written.
var ErrChanged = errors.New("blob: content was changed on disk")

// A header, big-endian: magic, algorithm and key number, random object id,
// SHA-256 and size of the content, nonce, and the object's key sealed by the
// tenant's key with everything before it as additional data.
const (
	magicLive = "TNNBLOB1"
	magicDead = "TNNDEAD1" // the sealed key is overwritten

	atAlgorithm = 8 // 1: AES-256-GCM in frames of 1 MiB
	atKeyNumber = 10
	atObject    = 12
	atDigest    = 28
	atSize      = 60
	atNonce     = 68
	atSealed    = 80
)

// header is an object's description and its opened key.
type header struct {
	object [16]byte
	digest [32]byte
	size   int64
	dek    [32]byte
}

// crypt seals and opens headers and frames of one tenant.
type crypt struct {
	tenant string
	ring   atomic.Pointer[ring]
	random io.Reader
	later  func(number uint16) *ring // looks for a key that came later, or nil
}

// key is the tenant's key of a number, nil where there is none (any more).
func (c *crypt) key(number uint16) cipher.AEAD {
	r := c.ring.Load()
	if r.keys[number] == nil && number > r.newest && c.later != nil {
		r = c.later(number)
	}
	return r.keys[number]
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("a key has 32 bytes, not %d", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// fresh is a header with a new object id and key.
func (c *crypt) fresh() (header, error) {
	var h header
	var seed [48]byte
	if _, err := io.ReadFull(c.random, seed[:]); err != nil {
		return h, err
	}
	copy(h.object[:], seed[:16])
	copy(h.dek[:], seed[16:])
	return h, nil
}

func (c *crypt) sealHeader(dst []byte, h header) error {
	clear(dst[:headerSize])
	copy(dst, magicLive)
	binary.BigEndian.PutUint16(dst[atAlgorithm:], 1)
	r := c.ring.Load()
	binary.BigEndian.PutUint16(dst[atKeyNumber:], r.current)
	copy(dst[atObject:], h.object[:])
	copy(dst[atDigest:], h.digest[:])
	binary.BigEndian.PutUint64(dst[atSize:], uint64(h.size)) //nolint:gosec // a size is never negative
	nonce := dst[atNonce:atSealed]
	if _, err := io.ReadFull(c.random, nonce); err != nil {
		return err
	}
	r.keys[r.current].Seal(dst[atSealed:atSealed], nonce, h.dek[:], c.headerData(dst))
	return nil
}

// openHeader authenticates a header; ok is false for anything that this
// tenant's key did not seal.
func (c *crypt) openHeader(src []byte) (h header, ok bool) {
	if len(src) < headerSize || string(src[:atAlgorithm]) != magicLive {
		return h, false
	}
	key := c.key(keyNumber(src))
	if key == nil {
		return h, false
	}
	dek, err := key.Open(h.dek[:0], src[atNonce:atSealed], src[atSealed:headerSize], c.headerData(src))
	size := binary.BigEndian.Uint64(src[atSize:])
	if err != nil || len(dek) != 32 || size > maxSize ||
		binary.BigEndian.Uint16(src[atAlgorithm:]) != 1 {
		return h, false
	}
	h.object = [16]byte(src[atObject:])
	h.digest = [32]byte(src[atDigest:])
	h.size = int64(size)
	return h, true
}

// keyNumber is that of the tenant's key by which a header is sealed.
func keyNumber(src []byte) uint16 { return binary.BigEndian.Uint16(src[atKeyNumber:]) }

// deadHeader reads what Sweep left of a header: only its size.
func deadHeader(src []byte) (h header, ok bool) {
	if len(src) < headerSize || string(src[:atAlgorithm]) != magicDead {
		return h, false
	}
	size := binary.BigEndian.Uint64(src[atSize:])
	h.size = int64(size & (maxSize<<1 - 1))
	return h, size <= maxSize
}

// kill overwrites everything of a header but the size.
func kill(head []byte) {
	size := binary.BigEndian.Uint64(head[atSize:])
	clear(head)
	copy(head, magicDead)
	binary.BigEndian.PutUint64(head[atSize:], size)
}

func (c *crypt) headerData(src []byte) []byte {
	return append([]byte("tenon blob header\x00"+c.tenant+"\x00"), src[:atNonce]...)
}

// frames seals or opens the frames of one object.
type frames struct {
	aead  cipher.AEAD
	nonce [12]byte
	data  []byte // additional data; its last 8 bytes are the frame number
}

func (c *crypt) frames(h header) (*frames, error) {
	aead, err := newAEAD(h.dek[:])
	if err != nil {
		return nil, err
	}
	data := append([]byte("tenon blob frame\x00"+c.tenant+"\x00"), h.object[:]...)
	return &frames{aead: aead, data: append(data, make([]byte, 8)...)}, nil
}

// at prepares nonce and data of a frame. The key is the object's own, so the
// frame number alone makes the nonce unique.
func (f *frames) at(number int64) {
	n := uint64(number) //nolint:gosec // never negative
	binary.BigEndian.PutUint64(f.nonce[4:], n)
	binary.BigEndian.PutUint64(f.data[len(f.data)-8:], n)
}

func (f *frames) seal(dst, plain []byte, number int64) []byte {
	f.at(number)
	return f.aead.Seal(dst, f.nonce[:], plain, f.data)
}

func (f *frames) open(dst, sealed []byte, number int64) ([]byte, error) {
	f.at(number)
	plain, err := f.aead.Open(dst, f.nonce[:], sealed, f.data)
	if err != nil {
		return nil, fmt.Errorf("%w: frame %d", ErrChanged, number)
	}
	return plain, nil
}

// sealedSize is what the frames of a content of the size take on disk.
func sealedSize(size int64) int64 { return size + (size+Frame-1)/Frame*tagSize }

// extent is what an object takes on disk.
func extent(size int64) int64 { return headerSize + sealedSize(size) }
