// JPEG files, read by libjpeg.
#include "gradus/base/error.hpp"
#include "gradus/data/image_file.hpp"

#ifdef GRADUS_HAS_JPEG
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>
#include <cstdio>
#include <cstring>
#endif

namespace gradus::data {

using namespace core;

#ifdef GRADUS_HAS_JPEG

namespace {

// A block of 64 pixels takes a bit at least, and the blocks of a colour may be a sixteenth of those of the image.
constexpr int64_t kDensest = 64 * 8 * 16;
// Each scan of a progressive file goes over the whole image, however few bytes it has.
constexpr int kMostScans = 100;

// What reading needs. Plain memory only: errors leave libjpeg by longjmp, which calls no destructor.
struct Job {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  bool has_scans = false, is_at_end = false;
  char problem[JMSG_LENGTH_MAX] = {};
  std::jmp_buf jump;
};
Job& job_of(j_common_ptr info) { return *static_cast<Job*>(info->client_data); }

[[noreturn]] void on_error(j_common_ptr info) {
  Job& job = job_of(info);
  info->err->format_message(info, job.problem);
  std::longjmp(job.jump, 1);
}
// Most warnings say that rows are made up. That the file ends does so where scans may be missing; where bits are, another one comes.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  Job& job = job_of(info);
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
      job.is_at_end = true;
      if (!job.has_scans) return;
      break;
    case JWRN_ADOBE_XFORM:
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_NOT_SEQUENTIAL:
    case JWRN_TOO_MUCH_DATA: return;
    default: break;
  }
  on_error(info);
}
void on_progress(j_common_ptr info) {
  Job& job = job_of(info);
  if (job.info.input_scan_number <= kMostScans) return;
  std::snprintf(job.problem, sizeof job.problem, "it has more than %d scans", kMostScans);
  std::longjmp(job.jump, 1);
}

// The following three return false where libjpeg has jumped.
bool begin(Job& job) {
  job.info.err = jpeg_std_error(&job.errors);
  job.errors.error_exit = on_error;
  job.errors.emit_message = on_message;
  job.info.client_data = &job;
  if (setjmp(job.jump)) return false;
  jpeg_create_decompress(&job.info);
  job.info.client_data = &job;
  job.progress.progress_monitor = on_progress;
  job.info.progress = &job.progress;
  return true;
}
bool read_header(Job& job, std::string_view bytes) {
  if (setjmp(job.jump)) return false;
  jpeg_mem_src(&job.info, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<unsigned long>(bytes.size()));
  jpeg_save_markers(&job.info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&job.info, TRUE);
  job.has_scans = jpeg_has_multiple_scans(&job.info) != FALSE;
  const J_COLOR_SPACE from = job.info.jpeg_color_space;
  job.info.out_color_space = from == JCS_GRAYSCALE ? JCS_GRAYSCALE : from == JCS_CMYK || from == JCS_YCCK ? JCS_CMYK : JCS_RGB;
  return true;
}
bool read_rows(Job& job, uint8_t* out) {
  if (setjmp(job.jump)) return false;
  jpeg_start_decompress(&job.info);
  const size_t row_bytes = size_t{job.info.output_width} * static_cast<size_t>(job.info.output_components);
  while (job.info.output_scanline < job.info.output_height) {
    JSAMPROW row = out + job.info.output_scanline * row_bytes;
    jpeg_read_scanlines(&job.info, &row, 1);
  }
  return true;
}

class Reading {
 public:
  explicit Reading(const ImageContent& content) : content_(content) {
    if (!begin(job_)) throw Error(Error::Kind::memory, "out of memory", concat("cannot start reading ", content.path));
  }
  ~Reading() { jpeg_destroy_decompress(&job_.info); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  Pixels pixels() {
    if (!read_header(job_, content_.bytes)) fail_read();
    check_size(content_, job_.info.image_height, job_.info.image_width, kDensest);
    const bool is_cmyk = job_.info.out_color_space == JCS_CMYK, is_grey = job_.info.out_color_space == JCS_GRAYSCALE;
    Pixels out{job_.info.image_height, job_.info.image_width, is_cmyk ? 4 : is_grey ? 1 : 3, {}};
    out.bytes.resize(static_cast<size_t>(out.height * out.width * out.channels));
    if (!read_rows(job_, out.bytes.data())) fail_read();
    out.orientation = orientation();
    return is_cmyk ? from_inverted_cmyk(std::move(out)) : out;
  }

 private:
  [[noreturn]] void fail_read() const {
    if (job_.is_at_end) fail_io(content_.path, "the JPEG file is cut short: it ends after ", content_.bytes.size(), " bytes");
    fail_io(content_.path, "the JPEG file is damaged: ", job_.problem);
  }
  int orientation() const {
    constexpr std::string_view name("Exif\0\0", 6);
    for (const jpeg_marker_struct* marker = job_.info.marker_list; marker; marker = marker->next) {
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (data.starts_with(name)) return exif_orientation(data.substr(name.size()));
    }
    return 1;
  }
  // As Adobe writes them, 255 is no ink: R = C K / 255.
  static Pixels from_inverted_cmyk(Pixels cmyk) {
    Pixels out{cmyk.height, cmyk.width, 3, {}, cmyk.orientation};
    out.bytes.resize(static_cast<size_t>(out.height * out.width * 3));
    for (size_t i = 0, j = 0; i < cmyk.bytes.size(); i += 4) {
      for (size_t c = 0; c < 3; ++c, ++j) out.bytes[j] = static_cast<uint8_t>((cmyk.bytes[i + c] * cmyk.bytes[i + 3] + 127) / 255);
    }
    return out;
  }

  const ImageContent& content_;
  Job job_{};
};

}  // namespace

Pixels read_jpeg(const ImageContent& content) { return Reading(content).pixels(); }

#else

Pixels read_jpeg(const ImageContent& content) {
  fail_io(content.path,
          "it is a JPEG file, and Gradus was built without libjpeg; on Debian, apt-get install libjpeg62-turbo-dev and build again");
}

#endif

}  // namespace gradus::data
