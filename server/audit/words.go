package audit

import (
	"strings"

	"tenon/server/record"
)

// words are what people read, in Chinese and English, of an operation; the action
// where the operation has none.
var words = map[string][2]string{
	"read": {"查看", "read"}, "vread": {"查看历史版本", "read an earlier version of"}, "search-type": {"检索", "searched"},
	"history": {"查看修改历史", "read the history of"}, "history-type": {"查看修改历史", "read the history of"}, "history-system": {"查看修改历史", "read the history of"},
	"history-instance": {"查看修改历史", "read the history of"},
	"everything":       {"调阅全部记录", "read everything of"}, "export": {"批量导出", "exported"}, "dossier": {"导出病例档案", "exported the dossier of"},
	"break-glass": {"申请紧急访问", "asked for emergency access to"}, "sign": {"签名", "signed"}, "merge": {"合并", "merged"},
	"worklist": {"查看工作列表", "saw in a worklist"}, "access-report": {"查询使用记录", "asked who used"}, "match": {"匹配患者", "matched"},
	"qido": {"检索影像", "searched images"}, "wado-instances": {"调阅影像", "read images"}, "wado-rendered": {"浏览影像", "viewed images"},
	"wado-frames": {"调阅影像", "read images"}, "wado-metadata": {"查看影像信息", "read metadata of images"}, "stow": {"存储影像", "stored images"},
	"c-store": {"存储影像", "stored images"}, "c-find": {"检索影像", "searched images"}, "c-move": {"发送影像", "sent images"}, "c-store-send": {"发送影像", "sent images"},
	"stow-send": {"发送影像", "sent images"}, "deidentify": {"导出去标识影像", "exported images without identity of"},
	"token": {"应用获得授权", "gave an app access to"}, "consent": {"同意应用访问", "allowed an app access to"}, "launch": {"打开应用", "launched an app for"},
	"revoke": {"撤销应用授权", "ended an app's access to"}, "expunge": {"销毁", "erased"}, "rotate-keys": {"更换文件密钥", "rotated the keys of files"}, "apply": {"启动流程", "began a process for"},
	"app-state-create": {"应用存入自存数据", "had an app keep something about"}, "app-state-update": {"应用修改自存数据", "had an app change what it keeps about"},
	"app-state-delete": {"应用删除自存数据", "had an app delete what it kept about"}, "app-state-search": {"应用读取自存数据", "had an app read what it keeps about"},
}

var actions = map[string][2]string{
	"C": {"新增", "created"}, "R": {"查看", "read"}, "U": {"修改", "changed"}, "D": {"删除", "deleted"}, "E": {"处理", "worked with"},
}

// Words say what was done.
func Words(a *record.Audit) (chinese, english string) {
	w, ok := words[a.Operation]
	if !ok {
		w = actions[a.Action]
	}
	return w[0], w[1]
}

// Subject is what a use of a record was about, as the patient whose record it is
// may hear of it: a resource of the record, or the type that was asked for. A
// query may name other patients, so it is cut down to its type.
func Subject(a *record.Audit) string {
	entity, _, _ := strings.Cut(a.Entity, "?")
	if Reference(entity) && entity != "" && ClassOf(a).shape == plain {
		if typ, _, _ := strings.Cut(entity, "/"); typ == "Patient" && entity != a.Patient && !strings.HasPrefix(entity, a.Patient+"/") {
			return "Patient"
		}
		return entity
	}
	steps := strings.Split(entity, "/")
	for i := len(steps) - 1; i >= 0; i-- {
		if s := steps[i]; s != "" && s[0] >= 'A' && s[0] <= 'Z' && strings.IndexFunc(s, func(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }) < 0 {
			return s
		}
	}
	return ""
}
