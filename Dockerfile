# Compressor Studio for machines without a GPU. docs/deploying.md says how to build, run and serve it.
ARG PYTHON=3.12
FROM python:${PYTHON}-slim AS build
RUN python -m venv /opt/studio
ENV PATH=/opt/studio/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
# PyTorch's build for processors, a tenth of the size of the one for GPUs.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements.txt requirements-lock.txt ./
RUN pip install --extra-index-url "$TORCH_INDEX" -r requirements.txt
COPY . .
RUN pip install --no-deps .

FROM python:${PYTHON}-slim
RUN useradd --create-home --uid 1000 studio && install -d -o studio -g studio /data
COPY --from=build /opt/studio /opt/studio
ENV PATH=/opt/studio/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    COMPRESSOR_RUNS=/data/runs \
    COMPRESSOR_CACHE=/data/cache \
    HF_HOME=/data/huggingface
USER studio
WORKDIR /home/studio
# Runs, students and caches. What is not in a volume is lost with the container.
VOLUME /data
EXPOSE 8501
# For a class: docker run --memory 6g --log-opt max-size=10m, see docs/serving-and-security.md.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT ["compressor"]
CMD ["app", "--no-browser", "--address", "0.0.0.0", "--port", "8501"]
