# The demo on any machine that runs containers:
#   docker build -t fakenews . && docker run --rm -p 7860:7860 -v fakenews:/data fakenews
# With an NVIDIA GPU: build with --build-arg TORCH_INDEX= (the default index has torch with CUDA), run with --gpus all.
FROM python:3.11-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN useradd --create-home --uid 1000 reader && install -d -o reader -g reader /data
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$(grep -o '^torch==[0-9.]*' requirements.txt)" \
 && pip install --no-cache-dir -r requirements.txt

COPY app.py LICENSE README.md ./
COPY assets assets
COPY fakenews fakenews
COPY models models

ENV FAKENEWS_HOST=0.0.0.0 XDG_DATA_HOME=/data HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 7860
USER reader
HEALTHCHECK --interval=15s --start-period=60s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/readyz', timeout=5)"]
CMD ["python", "app.py"]
