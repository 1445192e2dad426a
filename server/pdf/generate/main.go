// Command generate cuts the font of the room pdf: `go run ./server/pdf/generate
// -font NotoSansSC_400Regular.ttf -license LICENSE_FONT -out server/pdf/font
// -texts profiles`. The font comes from the npm package
// @expo-google-fonts/noto-sans-sc 0.4.3; nothing is fetched here.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/simplifiedchinese"

	"tenon/server/pdf"
)

// names are characters of names that GB 2312 lacks.
const names = "喆堃赟珺玥琰琪瑀璟晗昕昀旻昱暐曈铮锴镕镱淼漪滢潆骁骉骥翀翊翮翯彧彣婧婳媖嫒嬿孖宓峣嵚嶷廪怡恺悫惇愍懔扆拚挼捷敉敫旸昉昺晔晞晟晙晢暄暲杺枔柃栢桄桉梓棨楠榕槿橦欣歆殷毓汭沄沅沚泓泠洹浠浡涓涔涵淏淯渌湉湜溦滉潇潼澍澔濛灏炆炘炜炫烜烨焓焜煊煜熙熠燊燚爰牧犇玎玘玙玚玠玢玥珂珈珩珮珽琤琬琮瑄瑗瑭璐璘璿瓒畅畑皓皞皦盼睿瞻碁祎祐祚祯禛禹禾秭稷穆竑竞笃筠箐箬簪粲絪綦綮缙缦翔翚翛耀聿舸艺芃芊芮苒苓茗茜荃荞莘莙菁菡萌萱葳蒽蓁蓓蔓蕊蕙薇蘅虓蚺蛟衎衍袆裎詠誉谌谞谧豫贇贞赪趯轩迦逍遥邈邑邺郗郢酆醴釗釨鋆鍈钊钋钎钐钰铖铠锜镆闳阅陟隽雯霁霆霈霓霖霞靖韫韬韶頔颀颉颐颖飏馗馨骎骐骞髙鬯魁鲲鹍鹏麒麟黛黻龑䶮㛃㬎㵑"

// symbols beyond GB 2312 that texts of ours and of standards use.
const symbols = "–—‘’“”•…′″€™←↑→↓↔∅−≤≥≈≠±×÷µ°²³·§©®½¼¾Øøßäöüéèçñ‰√∞∑∏⇒─│├└█□■○●✓✗⚠"

func main() {
	font := flag.String("font", "", "the whole font, TrueType")
	license := flag.String("license", "", "its licence")
	texts := flag.String("texts", "profiles", "folder whose JSON files must be set whole")
	out := flag.String("out", "server/pdf/font", "folder to write")
	flag.Parse()
	if err := run(*font, *license, *texts, *out); err != nil {
		log.Fatal(err)
	}
}

func run(font, license, texts, out string) error {
	data, err := os.ReadFile(font)
	if err != nil {
		return err
	}
	f, err := pdf.ParseFont(data)
	if err != nil {
		return err
	}
	wanted := []rune(names + symbols)
	for c := rune(0x20); c < 0x180; c++ { // Latin and its accents
		wanted = append(wanted, c)
	}
	all, err := national()
	if err != nil {
		return err
	}
	own, err := ofTexts(texts)
	if err != nil {
		return err
	}
	cut := f.Subset(append(append(wanted, all...), own...))
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	packed := enc.EncodeAll(cut, nil)
	fmt.Printf("%d bytes, packed %d\n", len(cut), len(packed))
	text, err := os.ReadFile(license)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "LICENSE"), text, 0o644); err != nil { //nolint:gosec // a public text
		return err
	}
	return os.WriteFile(filepath.Join(out, "sans.ttf.zst"), packed, 0o644) //nolint:gosec // a public font
}

// national is every character of GB 2312: rows 1 to 9 of symbols, 16 to 87 of
// characters, as EUC-CN has them.
func national() (all []rune, err error) {
	d := simplifiedchinese.GBK.NewDecoder()
	for row := 0xa1; row <= 0xf7; row++ {
		if row > 0xa9 && row < 0xb0 {
			continue
		}
		for cell := 0xa1; cell <= 0xfe; cell++ {
			text, err := d.Bytes([]byte{byte(row), byte(cell)}) //nolint:gosec // below 256
			if err != nil {
				return nil, err
			}
			for _, r := range string(text) {
				if r != 0xfffd {
					all = append(all, r)
				}
			}
		}
	}
	return all, nil
}

// ofTexts is every character of our own texts.
func ofTexts(folder string) (all []rune, err error) {
	err = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".json") {
			return err
		}
		text, err := os.ReadFile(name) //nolint:gosec // of the repository
		for _, r := range string(text) {
			if r > 0x7f {
				all = append(all, r)
			}
		}
		return err
	})
	return all, err
}
