//! Photos of pupils' works: decoded within bounds, turned upright, made small, encoded anew.
//!
//! Encoding anew is what removes everything that is not the picture: place and time of the shot, the phone's name, a
//! thumbnail of what was cropped away. The result is small enough for two hundred screens on mountain links.

use image::{
    DynamicImage, ImageDecoder, ImageReader, Limits, codecs::jpeg::JpegEncoder, error::ImageError,
    imageops::FilterType,
};
use signalling::{Problem, ProblemCode};
use std::io::Cursor;

/// Longest photo a phone may send, bytes.
pub(crate) const PHOTO_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Largest photo, pixels each way: 12 000 is beyond every phone, and 100 million of them fit into the memory below.
const SIDE_MAX: u32 = 12_000;
const MEMORY_MAX: u64 = 320 * 1024 * 1024;
/// What the result should weigh: at 700 kbit/s it takes a second and a half.
const TARGET_BYTES: usize = 120 * 1024;
/// Sides and qualities that are tried, the best first; the last is kept whatever it weighs.
const TRIES: [(u32, u8); 6] = [(1_600, 80), (1_600, 65), (1_280, 70), (1_280, 55), (1_024, 50), (800, 40)];

/// A photo as it is kept.
#[derive(Debug)]
pub(crate) struct Picture {
    /// JPEG, without any metadata.
    pub(crate) jpeg: Vec<u8>,
    /// Pixels.
    pub(crate) width: u32,
    /// Pixels.
    pub(crate) height: u32,
}

/// Makes a photo fit to be shown. Takes some hundred milliseconds: not for an async task.
///
/// # Errors
/// `picture_unreadable` for anything but a sound JPEG, PNG or WebP; `too_large` for one beyond the bounds.
pub(crate) fn shrink(photo: &[u8]) -> Result<Picture, Problem> {
    let mut reader =
        ImageReader::new(Cursor::new(photo)).with_guessed_format().map_err(|error| unreadable(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let orientation = decoder.orientation().map_err(|error| refused(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    picture.apply_orientation(orientation);
    // Paper behind what is transparent.
    let mut picture = flatten(&picture);
    for (side, quality) in TRIES {
        if picture.width().max(picture.height()) > side {
            picture = picture.resize(side, side, FilterType::Triangle);
        }
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
        picture.write_with_encoder(encoder).map_err(|error| refused(&error))?;
        let is_last = (side, quality) == TRIES[TRIES.len() - 1];
        if jpeg.len() <= TARGET_BYTES || is_last {
            return Ok(Picture { jpeg, width: picture.width(), height: picture.height() });
        }
    }
    unreachable!("the last try returns")
}

fn flatten(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let mut flat = image::RgbImage::new(picture.width(), picture.height());
    for (to, from) in flat.pixels_mut().zip(picture.to_rgba8().pixels()) {
        let [r, g, b, alpha] = from.0.map(u32::from);
        to.0 = [r, g, b].map(|color| ((color * alpha + 255 * (255 - alpha)) / 255) as u8);
    }
    DynamicImage::ImageRgb8(flat)
}

fn refused(error: &ImageError) -> Problem {
    match error {
        ImageError::Limits(_) => Problem::new(ProblemCode::TooLarge).because(error),
        _ => unreadable(error),
    }
}

fn unreadable(error: &impl std::fmt::Display) -> Problem {
    Problem::new(ProblemCode::PictureUnreadable).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

    /// A page of handwriting, as far as an encoder can tell: dark strokes and noise on paper.
    fn notebook(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            let noise = ((x.wrapping_mul(31) ^ y.wrapping_mul(17)).wrapping_mul(2_654_435_761) >> 28) as u8;
            if (x / 9 + y / 7) % 5 == 0 { Rgb([20 + noise, 30, 120]) } else { Rgb([235 - noise, 230, 220]) }
        })
    }

    fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).expect("it is encoded");
        bytes.into_inner()
    }

    /// A JPEG with an EXIF block that says "turn right" and where it was taken.
    fn photo_with_secrets() -> Vec<u8> {
        let plain = encoded(&DynamicImage::ImageRgb8(notebook(640, 400)), ImageFormat::Jpeg);
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0".to_vec();
        // Two entries: orientation (0x0112, SHORT) = 6, and a maker's name (0x010f, ASCII) as a stand-in for all text.
        exif.extend([2, 0]);
        exif.extend([0x0f, 0x01, 2, 0, 18, 0, 0, 0, 38, 0, 0, 0]);
        exif.extend([0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0]);
        exif.extend([0, 0, 0, 0]);
        exif.extend(b"GPS 21.09N 105.67E");
        let length = (exif.len() as u16 + 2).to_be_bytes();
        let mut photo = plain[..2].to_vec();
        photo.extend([0xff, 0xe1, length[0], length[1]]);
        photo.extend(exif);
        photo.extend(&plain[2..]);
        photo
    }

    #[test]
    fn a_photo_is_turned_upright_and_tells_nothing_but_the_picture() {
        let photo = photo_with_secrets();
        assert!(photo.windows(3).any(|bytes| bytes == b"GPS"), "the test's photo has a secret");
        let picture = shrink(&photo).expect("a photo");
        assert_eq!((picture.width, picture.height), (400, 640), "it stands upright");
        for secret in [&b"GPS"[..], b"Exif", b"105.67"] {
            assert!(!picture.jpeg.windows(secret.len()).any(|bytes| bytes == secret), "{secret:?}");
        }
    }

    #[test]
    fn a_phones_photo_becomes_small_enough_for_every_classroom() {
        let photo = encoded(&DynamicImage::ImageRgb8(notebook(4_000, 3_000)), ImageFormat::Jpeg);
        let picture = shrink(&photo).expect("a photo");
        assert!(picture.jpeg.len() <= TARGET_BYTES, "{} bytes", picture.jpeg.len());
        assert!(picture.width >= 800 && picture.width <= 1_600, "{}", picture.width);
        let again =
            image::load_from_memory_with_format(&picture.jpeg, ImageFormat::Jpeg).expect("it is a JPEG");
        assert_eq!((again.width(), again.height()), (picture.width, picture.height));
    }

    #[test]
    fn png_and_webp_are_taken_and_paper_shines_through_what_is_transparent() {
        let mut drawing = RgbaImage::from_pixel(64, 64, Rgba([0, 0, 0, 0]));
        drawing.put_pixel(5, 5, Rgba([255, 0, 0, 255]));
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let picture =
                shrink(&encoded(&DynamicImage::ImageRgba8(drawing.clone()), format)).expect("a picture");
            let seen = image::load_from_memory(&picture.jpeg).expect("it is a JPEG").to_rgb8();
            assert!(seen.get_pixel(40, 40).0.iter().all(|channel| *channel > 240), "{format:?}");
        }
    }

    #[test]
    fn what_is_no_picture_or_a_bomb_is_refused_by_name() {
        let code = |bytes: &[u8]| shrink(bytes).map(drop).map_err(|problem| problem.code);
        for bytes in [
            &b""[..],
            b"GIF89a",
            b"<svg></svg>",
            &[0xff, 0xd8, 0xff, 0xe0, 0, 16],
            b"\x89PNG\r\n\x1a\n\0\0\0\0",
        ] {
            assert_eq!(code(bytes), Err(ProblemCode::PictureUnreadable), "{bytes:?}");
        }
        // A header that promises 60 000 x 60 000 pixels.
        let mut bomb = encoded(&DynamicImage::ImageRgb8(notebook(8, 8)), ImageFormat::Png);
        bomb[16..20].copy_from_slice(&60_000u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000u32.to_be_bytes());
        assert!(code(&bomb).is_err());
        let photo = photo_with_secrets();
        for cut in (0..photo.len()).step_by(97) {
            // Cut anywhere: an error or a picture, never a panic.
            let _ = shrink(&photo[..cut]);
        }
    }
}
