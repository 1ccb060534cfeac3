// PNG files, read by libpng.
#include "gradus/base/error.hpp"
#include "gradus/data/image_file.hpp"

#ifdef GRADUS_HAS_PNG
#include <png.h>

#include <csetjmp>
#include <cstring>
#endif

namespace gradus::data {

using namespace core;

#ifdef GRADUS_HAS_PNG

namespace {

// Deflate inflates at most 1032 times, and a pixel may be one bit.
constexpr int64_t kDensest = 1032 * 8;

// What reading needs. Plain memory only: libpng leaves its functions by longjmp, which calls no destructor.
struct Job {
  const char* bytes = nullptr;
  size_t size = 0, at = 0;
  bool is_short = false;
  png_structp png = nullptr;
  png_infop info = nullptr;
  png_uint_32 height = 0, width = 0;
  int channels = 0, orientation = 1;
  size_t row_bytes = 0;
  char problem[160] = {};
  std::jmp_buf jump;
};

[[noreturn]] void on_error(png_structp png, png_const_charp text) {
  Job& job = *static_cast<Job*>(png_get_error_ptr(png));
  std::strncpy(job.problem, text, sizeof job.problem - 1);
  std::longjmp(job.jump, 1);
}
void on_warning(png_structp, png_const_charp) {}
void on_read(png_structp png, png_bytep out, png_size_t count) {
  Job& job = *static_cast<Job*>(png_get_io_ptr(png));
  if (job.size - job.at < count) {
    job.is_short = true;
    png_error(png, "the end is missing");
  }
  std::memcpy(out, job.bytes + job.at, count);
  job.at += count;
}

// The following two return false where libpng has jumped.
bool read_header(Job& job) {
  if (setjmp(job.jump)) return false;
  png_set_read_fn(job.png, &job, on_read);
  png_set_user_limits(job.png, 0x7fffffff, 0x7fffffff);  // check_size asks for less
  png_read_info(job.png, job.info);
  int bits = 0, colour = 0;
  png_get_IHDR(job.png, job.info, &job.width, &job.height, &bits, &colour, nullptr, nullptr, nullptr);
  png_set_expand(job.png);
  png_set_scale_16(job.png);
  png_set_interlace_handling(job.png);
  png_read_update_info(job.png, job.info);
  job.channels = png_get_channels(job.png, job.info);
  job.row_bytes = png_get_rowbytes(job.png, job.info);
  return true;
}
bool read_rows(Job& job, uint8_t* out, png_bytep* rows) {
  if (setjmp(job.jump)) return false;
  for (png_uint_32 row = 0; row < job.height; ++row) rows[row] = out + row * job.row_bytes;
  png_read_image(job.png, rows);
  png_read_end(job.png, job.info);
  png_uint_32 size = 0;
  png_bytep exif = nullptr;
  if (png_get_eXIf_1(job.png, job.info, &size, &exif) != 0) job.orientation = exif_orientation({reinterpret_cast<const char*>(exif), size});
  return true;
}

class Reading {
 public:
  explicit Reading(const ImageContent& content) : content_(content) {
    job_.bytes = content.bytes.data();
    job_.size = content.bytes.size();
    job_.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job_, on_error, on_warning);
    if (job_.png) job_.info = png_create_info_struct(job_.png);
    if (!job_.info) throw Error(Error::Kind::memory, "out of memory", concat("cannot start reading ", content.path));
  }
  ~Reading() { png_destroy_read_struct(&job_.png, job_.info ? &job_.info : nullptr, nullptr); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  Pixels pixels() {
    if (!read_header(job_)) fail_read();
    check_size(content_, job_.height, job_.width, kDensest);
    Pixels out{job_.height, job_.width, job_.channels, {}};
    if (job_.row_bytes != static_cast<size_t>(out.width * out.channels)) fail_bug("a row of a PNG file has ", job_.row_bytes, " bytes");
    out.bytes.resize(job_.row_bytes * job_.height);
    std::vector<png_bytep> rows(job_.height);
    if (!read_rows(job_, out.bytes.data(), rows.data())) fail_read();
    out.orientation = job_.orientation;
    return out;
  }

 private:
  [[noreturn]] void fail_read() const {
    if (job_.is_short) fail_io(content_.path, "the PNG file is cut short: it ends after ", content_.bytes.size(), " bytes");
    fail_io(content_.path, "the PNG file is damaged: ", job_.problem);
  }
  const ImageContent& content_;
  Job job_{};
};

}  // namespace

Pixels read_png(const ImageContent& content) { return Reading(content).pixels(); }

#else

Pixels read_png(const ImageContent& content) {
  fail_io(content.path, "it is a PNG file, and Gradus was built without libpng; on Debian, apt-get install libpng-dev and build again");
}

#endif

}  // namespace gradus::data
