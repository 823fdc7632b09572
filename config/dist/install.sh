#!/bin/sh
# Installs Nhịp Cầu, or puts a newer one in its place. Data and configuration stay.
# Cài Nhịp Cầu, hoặc thay bản mới hơn. Dữ liệu và cấu hình được giữ nguyên.
set -eu
cd "$(dirname "$0")"

if [ "$(id -u)" -ne 0 ]; then
    echo "Hãy chạy bằng quyền root / run as root: sudo ./install.sh" >&2
    exit 1
fi
if ! command -v systemctl >/dev/null; then
    echo "Cần systemd; nếu không có, chạy tay / systemd is needed; without it run: ./nhipcau serve --config nhipcau.toml" >&2
    exit 1
fi
if ! ./nhipcau --version >/dev/null 2>&1; then
    echo "Máy này không chạy được chương trình (khác kiến trúc, hoặc glibc cũ) / this machine cannot run it (another architecture, or an older glibc):" >&2
    ./nhipcau --version >&2
    exit 1
fi

id nhipcau >/dev/null 2>&1 || useradd --system --home-dir /var/lib/nhipcau --shell /usr/sbin/nologin nhipcau
install -d -m 0755 /etc/nhipcau
if [ -e /etc/nhipcau/nhipcau.toml ]; then
    install -m 0644 nhipcau.toml /etc/nhipcau/nhipcau.toml.example
else
    sed 's|^data_dir = .*|data_dir = "/var/lib/nhipcau"|' nhipcau.toml >/etc/nhipcau/nhipcau.toml
fi
./nhipcau check-config --config /etc/nhipcau/nhipcau.toml >/dev/null

# A copy of the data before the new program touches them; the old program writes it, for it knows them.
if [ -e /var/lib/nhipcau/nhipcau.db ] && [ -x /usr/local/bin/nhipcau ]; then
    copy="/var/lib/nhipcau/before-upgrade-$(date +%Y%m%d-%H%M%S).db"
    if /usr/local/bin/nhipcau backup "$copy" --config /etc/nhipcau/nhipcau.toml; then
        chown nhipcau:nhipcau "$copy"
    else
        echo "Không sao lưu được, nên không nâng cấp / no copy of the data could be made, so nothing was changed." >&2
        exit 1
    fi
fi

install -m 0755 nhipcau /usr/local/bin/nhipcau.new
mv -f /usr/local/bin/nhipcau.new /usr/local/bin/nhipcau
install -m 0644 nhipcau.service /etc/systemd/system/nhipcau.service
install -m 0644 nhipcau-sysctl.conf /etc/sysctl.d/90-nhipcau.conf
if ! sysctl --quiet --load /etc/sysctl.d/90-nhipcau.conf 2>/dev/null; then
    echo "Máy này (hay container này) không cho tự đổi bộ đệm socket; vẫn chạy được, xem nhipcau doctor / socket buffers cannot be changed here; it runs all the same, see nhipcau doctor" >&2
fi
if modprobe --quiet tcp_bbr; then
    echo tcp_bbr >/etc/modules-load.d/nhipcau.conf
fi
systemctl daemon-reload
systemctl enable --quiet nhipcau
systemctl restart nhipcau

echo "Đã cài / installed: $(/usr/local/bin/nhipcau --version)"
echo
echo "1. Sửa cấu hình / configure:     nano /etc/nhipcau/nhipcau.toml && systemctl restart nhipcau"
echo "2. Kiểm tra / examine:           nhipcau doctor --config /etc/nhipcau/nhipcau.toml"
echo "3. Từ một máy khác / from another machine:          nhipcau doctor --outside https://…"
echo "4. Người tổ chức / for the organiser:               nhipcau link organiser --config /etc/nhipcau/nhipcau.toml"
