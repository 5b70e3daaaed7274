"""Texts of alignment: (English, Chinese)."""

NO_WEIGHTS = ("The weights of the face detector are not installed.", "未安装人脸检测器的权重。")
NO_WEIGHTS_REMEDY = (
    "pip install --no-deps facenet-pytorch (only its files of weights are read), or name a folder with --weights.",
    "请运行 pip install --no-deps facenet-pytorch（只读取其中的权重文件），或用 --weights 指定文件夹。",
)
WEIGHTS = ("Its weights can't be read: {reason}", "无法读取权重：{reason}")
NO_FACE = ("no face was found", "未找到人脸")
NOTHING = ("There are no pictures in it.", "其中没有图片。")
TAKEN = ("The folder is not empty.", "该文件夹不为空。")
TAKEN_REMEDY = ("Name one that is empty or not there yet.", "请指定一个空文件夹或尚不存在的文件夹。")
DONE = (
    "{done} faces written to {path}; {failed} pictures without one.",
    "已将 {done} 张人脸写入 {path}；{failed} 张图片未找到人脸。",
)
WORDS = ("folder of pictures, and the folder to write aligned faces to", "图片所在文件夹，以及写入对齐人脸的文件夹")
SIZE = ("pixels of a face, a square (default 112)", "人脸的边长（像素，默认 112）")
FOLDER = ("folder with pnet.pt, rnet.pt and onet.pt", "存有 pnet.pt、rnet.pt 和 onet.pt 的文件夹")
