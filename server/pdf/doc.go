// Package pdf writes plain documents for people, in Chinese and English: titles,
// paragraphs and tables on numbered pages. The same text gives the same bytes.
// It reads no file and knows nothing of a case.
//
// The font is part of the binary: a cut of Noto Sans SC (SIL Open Font License
// 1.1, which permits embedding; font/LICENSE) with the characters of GB 2312 and
// those of our own texts, about a megabyte in place of ten. A document holds of
// it what it uses. A character that the font lacks is set as a box with its
// number, never dropped: 𠮷 reads [U+20BB7].
//
// https://www.iso.org/standard/63534.html (ISO 32000-2)
package pdf
